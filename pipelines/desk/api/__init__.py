"""The desk for programs: ``/api/v1``. Whatever a page of a submission does, a program can do by the same rules.

declared      what an operation is: method, address, what goes in, what comes out, and the function that does it
problems      what can go wrong, by code; the words stand beside the other words of the desk
schemas       the JSON of answers
reading, deciding, sending   the operations
openapi       the description, made from the declarations that the routes are made from
"""

from pipelines.desk.api import deciding, reading, sending
from pipelines.desk.api.declared import OPERATIONS, PREFIX, Answer, Call, Operation
from pipelines.desk.api.openapi import openapi
from pipelines.desk.api.problems import STATUS, ProblemError

__all__ = [
    "OPERATIONS", "PREFIX", "STATUS", "Answer", "Call", "Operation", "ProblemError", "deciding", "openapi",
    "reading", "sending",
]  # fmt: skip
