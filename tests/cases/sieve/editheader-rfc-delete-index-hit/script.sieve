# RFC 5293 5: the example, where the first field contains bob.
require "editheader";
deleteheader :index 1 :contains "Delivered-To"
                        "bob@example.com";
