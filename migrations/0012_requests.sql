-- From the request id of any answer to what it did. A caller's own trace may be shared by a night's
-- whole import: in a hash index each further event of it would be dearer than the one before.
create index events_by_request on events ((metadata ->> 'request_id'));
