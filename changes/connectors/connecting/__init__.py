"""Connecting a vendor on the pages: choose, give the credential, test it, choose what is in scope, fill back."""
