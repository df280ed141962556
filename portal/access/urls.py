"""Addresses of sign-in, of people and of one's own account.

allauth's addresses are named one by one: what is not here (open sign-up, e-mail management, codes by mail) does not exist.
"""

from allauth.account import views as account
from django.urls import URLPattern, URLResolver, include, path, re_path

from portal.access import outside_views as outside
from portal.access import own_views, session_views, views
from portal.access.accounts import views as accounts
from portal.access.importing import views as importing
from portal.access.roster import as_of_views as roster_as_of
from portal.access.roster import views as roster
from portal.access.scim import pages as scim

sign_in: list[URLPattern | URLResolver] = [
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("password/change/", own_views.change_password, name="account_change_password"),
    path("password/reset/", account.password_reset, name="account_reset_password"),
    path("password/reset/done/", account.password_reset_done, name="account_reset_password_done"),
    path("password/reset/key/done/", account.password_reset_from_key_done, name="account_reset_password_from_key_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("2fa/", include("allauth.mfa.urls")),
    # allauth asks for these three names on the way back from a provider.
    path("sign-in/cancelled/", outside.cancelled, name="socialaccount_login_cancelled"),
    path("sign-in/github/back/", outside.back, {"provider_id": "github"}, name="github_callback"),
    path("sign-in/<slug:provider_id>/back/", outside.back, name="openid_connect_callback"),
    path("sign-in/<slug:provider>/", outside.begin, name="sign-in-outside"),
    path("sign-in-again/", outside.again, name="sign-in-again"),
    path("session/", session_views.session, name="session"),
    path("here/", session_views.here, name="signed-in-here"),
]

own: list[URLPattern | URLResolver] = [
    path("", own_views.me, name="me"),
    path("profile/", own_views.save_profile, name="me-profile"),
    path("tokens/", own_views.make_token, name="me-make-token"),
    path("tokens/<int:pk>/revoke/", own_views.revoke_token, name="me-revoke-token"),
    path("sessions/<int:pk>/end/", own_views.end_session, name="me-end-session"),
    path("accounts/<int:pk>/unlink/", own_views.unlink_own, name="me-unlink"),
    path("sign-ins/<slug:provider>/add/", outside.add, name="me-add-sign-in"),
    path("sign-ins/<int:pk>/remove/", outside.remove, name="me-remove-sign-in"),
]

people: list[URLPattern | URLResolver] = [
    path("", views.people, name="people"),
    path("invite/", views.invite, name="invite"),
    path("invitations/<int:pk>/withdraw/", views.withdraw_invitation, name="withdraw-invitation"),
    path("proposals/<int:pk>/confirm/", views.confirm_role, name="confirm-role"),
    path("proposals/<int:pk>/withdraw/", views.withdraw_proposal, name="withdraw-proposal"),
    path("roles/<int:pk>/end/", views.end_role, name="end-role"),
    path("accounts/<int:pk>/unlink/", views.unlink, name="unlink"),
    path("accounts/", accounts.accounts, name="accounts"),
    path("accounts/explained/<int:pk>/take-back/", accounts.take_back, name="take-back-account"),
    path("accounts/at/<slug:provider>/<str:uid>/", accounts.account, name="account"),
    path("accounts/at/<slug:provider>/<str:uid>/explain/", accounts.explain, name="explain-account"),
    path("imports/", importing.imports, name="imports"),
    path("imports/<int:pk>/", importing.one_import, name="import"),
    path("imports/<int:pk>/wrong/", importing.wrong_rows, name="import-wrong"),
    path("imports/<int:pk>/want/", importing.want, name="want-import"),
    path("imports/<int:pk>/again/", importing.again, name="check-import"),
    path("provisioning/", scim.provisioning, name="provisioning"),
    path("provisioning/tokens/", scim.make, name="make-scim-token"),
    path("provisioning/tokens/<int:pk>/revoke/", scim.revoke, name="revoke-scim-token"),
    path("could/", roster_as_of.could, name="who-could"),
    path("left/", views.gone, name="people-left"),
    path("<int:pk>/", views.person, name="person"),
    path("<int:pk>/about/", roster.describe, name="describe-person"),
    path("<int:pk>/leave/", roster.leave, name="person-leaves"),
    path("<int:pk>/sign-out/", roster.sign_out, name="sign-out-person"),
    path("<int:pk>/return/", roster.come_back, name="person-returns"),
    path("<int:pk>/roles/", views.give_role, name="give-role"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("account/", include(sign_in)),
    path("account/invitation/<str:token>/", views.join, name="invitation"),
    path("account/link/<slug:backend>/", own_views.link, name="link"),
    path("account/link/<slug:backend>/back/", own_views.link_back, name="link-back"),
    path("me/", include(own)),
    path("people/", include(people)),
    path("scim/v2/", include("portal.access.scim.urls")),
]
