-- What the database that is asked needs of an image: extensions, and the rules by which it sorts.
SELECT 'extension', extname, extversion FROM pg_extension;
SELECT DISTINCT 'locale', locale, '' FROM pg_database, unnest(ARRAY[datcollate::text, datctype::text]) AS locale
    WHERE datname = current_database();
SELECT 'icu', '', '' FROM pg_database WHERE datname = current_database() AND datlocprovider = 'i';
CREATE TEMPORARY VIEW used AS
    SELECT oid, collname, collprovider, collcollate FROM pg_collation
    WHERE collprovider <> 'd' AND (
        oid >= 16384
        OR oid IN (SELECT attcollation FROM pg_attribute WHERE attrelid >= 16384)
        OR oid IN (SELECT unnest(indcollation) FROM pg_index WHERE indexrelid >= 16384)
        OR oid IN (SELECT typcollation FROM pg_type WHERE oid >= 16384)
    );
-- Of its own, what they are made of; of the image's, the name.
SELECT DISTINCT 'locale', collcollate, '' FROM used WHERE oid >= 16384 AND collprovider = 'c';
SELECT DISTINCT 'icu', '', '' FROM used WHERE collprovider = 'i';
SELECT DISTINCT 'collation', collname, '' FROM used WHERE oid < 16384;
