# RFC 3894 3: :copy without require.
redirect :copy "a@example.com";
