"""Interface catalogues, one ``<language>/LC_MESSAGES/messages.po`` each; English is the language of the sources."""
