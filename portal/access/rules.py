"""Who the views answer that are not ours and so cannot carry a declaration. By the name of their address. Pure."""

OPEN: dict[str, str] = {
    "account_login": "Signing in.",
    "account_logout": "Signing out works with an expired session too.",
    "account_inactive": "Says that an account is closed.",
    "account_reset_password": "Asking for a letter to choose a new password.",
    "account_reset_password_done": "Says that the letter was sent, whether or not the address is known.",
    "account_reset_password_from_key": "Choosing a new password with the letter's key.",
    "account_reset_password_from_key_done": "Says that the password was changed.",
    "mfa_authenticate": "The second step of signing in.",
    "mfa_login_webauthn": "Signing in with a passkey.",
}
"""Addresses that answer people who are not signed in, each with its reason."""

OWN: frozenset[str] = frozenset(
    {
        "account_reauthenticate",
        "account_change_password",
        "mfa_index",
        "mfa_reauthenticate",
        "mfa_activate_totp",
        "mfa_deactivate_totp",
        "mfa_view_recovery_codes",
        "mfa_generate_recovery_codes",
        "mfa_download_recovery_codes",
        "mfa_list_webauthn",
        "mfa_add_webauthn",
        "mfa_reauthenticate_webauthn",
        "mfa_remove_webauthn",
        "mfa_edit_webauthn",
    }
)
"""Addresses about a person's own sign-in."""

OUTSIDE: frozenset[str] = frozenset(
    {"sign-in-outside", "sign-in-again", "github_callback", "openid_connect_callback", "socialaccount_login_cancelled"}
)
"""Addresses of ours about signing in with a provider; each declares for itself who it answers."""

BY_TOKEN: frozenset[str] = frozenset({"api-1.0.0", "api"})
"""Namespaces of the API, whose operations check token and scope themselves."""
