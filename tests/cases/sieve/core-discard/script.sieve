# RFC 5228 4.4: discard cancels the implicit keep and does nothing else.
discard;
