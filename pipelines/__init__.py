"""INGP Open Data: from a member's package to published open data.

=================  ==========================================================================
settings           the only module that reads the environment
identifiers        MemberCode, SubmissionId, VersionNumber, ReleaseId: parse, format, compare
records            frozen records handed from step to step
zones              where each state lives on disk
catalogue          reads ``schemas/`` into typed objects
intake             inbox -> staged: bytes kept, tables read, everything understood is written down
xlsx               cells of XLSX sheets as openpyxl reads them, at several times its speed
validation         staged -> ValidationReport
indicators         tables of procurement -> indicators, flags, and which of them the data can support
store              validated -> accepted version: lake, ledger, comparison, withdrawal
publication        accepted versions -> release -> ``current``
reporting          ValidationReport -> text for people in es, en, pt, fr
workflow           the steps joined, without an orchestrator: what the CLI and the flows call
cli                the command ``ingp``
=================  ==========================================================================
"""
