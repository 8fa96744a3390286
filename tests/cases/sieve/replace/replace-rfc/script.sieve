# RFC 5703 9.1: its example: a part is replaced, all else stays byte for byte.
require [ "foreverypart", "mime", "replace" ];
foreverypart
{
  if anyof (
       header :mime :contenttype :is
         "Content-Type" "application/exe",
       header :mime :param "filename"
         :matches ["Content-Type", "Content-Disposition"] "*.com" )
  {
    replace "Executable attachment removed by user filter";
  }
}
