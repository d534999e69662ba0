"""How persons prove who they are: passwords, second factors, sessions, links by mail, tokens for programs.

tables      what is kept; every secret only as its hash
attempts    wrong tries are counted by address, known or not, and make the next one wait
passwords   argon2id, and the rules for a new one
factors     codes of an authenticator (TOTP), each taken once; recovery codes
accounts    signing in, sessions, links by mail (each opens once), tokens
events      what happened with an account, for its owner to see
providers   identity providers of members, as a file names them
elsewhere   signing in with one of them (OpenID Connect)
"""

from pipelines.desk.accounts.accounts import Accounts, SignIn

__all__ = ["Accounts", "SignIn"]
