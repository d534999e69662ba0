"""Thin Prefect flows over `pipelines.workflow`: they decide when, what and how is decided there.

::

    environment          Prefect's settings, made before anything here imports Prefect
    inbox                which packages lie complete in the inboxes, and moving them out
    receive_submissions  flow: everything complete in the inboxes is staged, judged and, if sound, accepted
    process_submission   flow: one staged submission is judged and, if sound, accepted
    publish_release      flow: everything accepted becomes the release that is served
    recheck_accepted     flow: what the rules of now would say to what is accepted
    watch_inbox          command: receives and publishes as files arrive, without a server
    desk                 command: does what the members' desk asks for
    demo                 command: the whole way from nothing, on invented members

``python -m flows`` prints the settings for a shell.
"""

from flows.environment import prepare

# Here, because Prefect reads its settings when it is imported, and every flow module imports this first.
prepare()
