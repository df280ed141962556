"""The 24 people of the year: the eight of the week, and sixteen more who have worked here for longer or shorter."""

from changes.desk.demo.people import PEOPLE, Person
from portal.access.roles import Role

MORE = (
    Person("ida", 81101, "Ida Weber", Role.APPROVER, "push"),
    Person("tom", 81102, "Tom Silva", Role.APPROVER, "push"),
    Person("noa", 81103, "Noa Cohen", Role.ARCHITECT, "push"),
    Person("gus", 81104, "Gus Lindt", Role.ENGINEER, "push"),
    Person("hal", 81105, "Hal Moreau", Role.ENGINEER, "push"),
    Person("ivy", 81106, "Ivy Chen", Role.ENGINEER, "push"),
    Person("jon", 81107, "Jon Haugen", Role.ENGINEER, "push"),
    Person("kat", 81108, "Kat Novotna", Role.ENGINEER, "push"),
    Person("leo", 81109, "Leo Marino", Role.ENGINEER, "push"),
    Person("max", 81110, "Max Osei", Role.ENGINEER, "push"),
    Person("nia", 81111, "Nia Grant", Role.ENGINEER, "push"),
    Person("oli", 81112, "Oli Brandt", Role.ENGINEER, "push"),
    Person("pia", 81113, "Pia Sand", Role.ENGINEER, "push"),
    Person("sue", 81114, "Sue Tanaka", Role.ENGINEER, "push"),
    Person("ria", 81115, "Ria Vos", Role.ENGINEER, "push"),
    Person("vic", 81116, "Vic Adler", Role.ENGINEER, ""),
)
EVERYBODY = (*PEOPLE, *MORE)
ENGINEERS = tuple(person.login for person in EVERYBODY if person.role == Role.ENGINEER and person.permission)
"""Who open pull requests; may push."""
APPROVERS = ("bob", "ida", "tom")
"""Who approve for production in the portal, review and merge at GitHub."""
TESTERS = ("dev", "noa")
"""Who sign off in staging; they open no pull requests in the year."""
BOT = "renovate[bot]"
REPOSITORIES = {
    "northwind/store": "Shelves, stock and deliveries",
    "northwind/orders": "From the basket to the parcel",
    "northwind/accounts": "Customers, addresses and sign-in",
}
"""In which the year takes place; the week has three of its own."""
