# RFC 5703 4.2, 4.3: with :mime they are of the present part, with :anychild of it and those in it.
require ["foreverypart", "mime", "fileinto", "relational", "variables", "comparator-i;ascii-numeric"];
foreverypart {
	if address :mime "content-from" "tim@example.com" { set "own" "${own}x"; }
	if address :mime :anychild "content-from" "tim@example.com" { set "any" "${any}x"; }
	if exists :mime "content-md5" { set "md5" "${md5}x"; }
	if exists :mime :anychild "content-md5" { set "md5any" "${md5any}x"; }
}
fileinto "${own} ${any} ${md5} ${md5any}";
