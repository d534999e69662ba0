"""Data that a member publishes at an address of its own, fetched by a timetable, through the same gate as every submission.

sources     what is fetched, when, and what happened; claims, so that no two workers fetch the same
timetable   when the next try is, after success and after failure
trouble     what may go wrong
asking      who asks the address, with every guard against addresses of our own network
gathering   the pages of an OCDS API as one package
rounds      one harvest, from the claim to the arrival
"""
