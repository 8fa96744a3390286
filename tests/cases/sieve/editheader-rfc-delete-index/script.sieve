# RFC 5293 5: the example: the count comes before the patterns, so this deletes the first field only if it contains bob.
require "editheader";
deleteheader :index 1 :contains "Delivered-To"
                        "bob@example.com";
