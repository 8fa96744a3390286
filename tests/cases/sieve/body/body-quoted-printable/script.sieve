# RFC 5173 5.2: quoted-printable, soft line breaks too.
require ["body", "fileinto"];
if body :content "text" :contains "one two=three" { fileinto "yes"; }
