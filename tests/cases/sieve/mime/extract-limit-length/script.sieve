# RFC 5703 7: text is cut at the limit of variables before a modifier sees it: 31 characters of two octets and one of one octet are 63; the next has no room.
require ["foreverypart", "mime", "fileinto", "variables", "extracttext"];
foreverypart { if header :mime :contenttype "content-type" "text/plain" { extracttext :length "t"; fileinto "[${t}]"; } }
