# RFC 5173 5.2: so does ISO-2022-JP.
require ["body", "fileinto"];
if body :contains "日本語" { fileinto "yes"; }
