-- What a server of the new image offers to data that is loaded into it.
SELECT 'extension', name, default_version FROM pg_available_extensions;
SELECT 'collation', collname, '' FROM pg_collation;
SELECT DISTINCT 'locale', collcollate, '' FROM pg_collation WHERE collprovider = 'c';
SELECT 'locale', name, '' FROM unnest(ARRAY['C', 'POSIX']) AS name;
SELECT 'icu', '', '' FROM pg_collation WHERE collprovider = 'i' LIMIT 1;
