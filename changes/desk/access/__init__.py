"""Pages of access: who may do what, reviews, authorised mergers, segregation of duties."""
