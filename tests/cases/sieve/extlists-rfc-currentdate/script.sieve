# RFC 6134 2.9.2: the example of holidays.
require ["date", "extlists", "fileinto"];
if currentdate :list "date" "tag:example.com,2011-01-01:localHolidays" { fileinto "holiday"; }
