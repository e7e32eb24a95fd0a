-- From the request id of any answer to what it did. Ids are random and only ever looked up whole: a
-- hash index is the least that an append has to pay for it.
create index events_by_request on events using hash ((metadata ->> 'request_id'));
