# RFC 6134 2.9.3: the example of a mailing list.
require ["envelope", "subaddress", "extlists"];
if allof (envelope :detail "to" "mylist",
          address :list "from" "tag:example.com,2010-05-28:mylist") {
    redirect :list "tag:example.com,2010-05-28:mylist";
}
