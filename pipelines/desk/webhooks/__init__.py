"""Messages to programs of a member, when something happens: Standard Webhooks (https://www.standardwebhooks.com), version 1.

messages    what a message says: little, and nothing of a person
hooks       addresses that are told, what each wants to know, secrets
outbox      messages that are to leave, that left, and that did not
happening   from the audit log, comments and releases to messages; once more, when somebody asks
posting     one message to one address, within a time that nothing can stretch
sending     the round: what is due leaves, what fails is tried again, who is silent for days is switched off
"""
