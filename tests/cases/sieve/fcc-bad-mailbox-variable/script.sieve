# RFC 8580 3: the same when the script runs.
require ["vacation", "fcc", "variables"];
vacation :fcc "${nothing}" "t";
