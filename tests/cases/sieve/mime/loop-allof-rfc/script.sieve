# RFC 5703 4.1: its third example (with a number for size: the tag takes one).
require ["mime", "foreverypart", "fileinto"];
foreverypart
{
    if allof (
      header :mime :param "filename" :contains
         "Content-Disposition" "important",
      header :mime :subtype "Content-Type" "pdf",
      size :over 100)
    {
        fileinto "INBOX.important";
        break;
    }
}
