"""The command ``ingp``: thin commands over `pipelines.workflow`, in the language of the person."""
