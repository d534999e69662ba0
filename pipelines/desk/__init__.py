"""The members' desk: who may do what, and everything that is kept for it beside the ledger, in the same database.

schema        tables of the desk, and how an older desk becomes a current one
people        persons of the members and of the Secretariat
permissions   the one table of who may do what
members       what a member has agreed: two persons, how often it sends, in which language it is written to
arrivals      what was sent and is not staged yet
harvesting    what is fetched from members' own addresses by a timetable
webhooks      messages to members' programs, signed, tried again, sent once more when asked
events        followers of the audit log: each goes on where it stopped
mail          letters: written down first, sent by the worker
calendar      what is due when
comments      what members and Secretariat write to each other below a submission
board         where each member stands; board_files: as CSV, XLSX and iCalendar
accounts      how persons prove who they are
names         names of files that strangers give
made, making  what a page needs and cannot make at once
mending       corrected files from fixes and cells that were typed
api           the desk for programs: /api/v1; idempotency: a request that is sent twice is done once
receiving     files of a request become an arrival
deciding      what may be done next with a submission, and the doing of it
previewing    what accepting would change, with sums; receipts: what was published, to keep
desk          one installation with its desk, opened

Pages and the API are routes of a Datasette of their own (``datasette/desk/``), so that a new release of the public site never
interrupts an upload, and the public site never sees a cookie.
"""

from pipelines.desk.desk import Desk
from pipelines.desk.members import MemberPolicy
from pipelines.desk.people import Person
from pipelines.desk.permissions import Action, Role, may

__all__ = ["Action", "Desk", "MemberPolicy", "Person", "Role", "may"]
