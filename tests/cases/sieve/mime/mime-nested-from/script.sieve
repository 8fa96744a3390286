# Mail that was put into a message/rfc822 part with its From_ line, bare or quoted.
require ["mime", "foreverypart", "fileinto"];
foreverypart {
  if header :mime :is "subject" "bare" { fileinto "bare"; }
  if header :mime :is "subject" "quoted" { fileinto "quoted"; }
  if header :mime :param "filename" :is "content-disposition" "a.exe" { fileinto "exe"; }
}
