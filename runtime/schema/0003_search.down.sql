DROP FUNCTION public.search_vector(text, text, text, text);
DROP FUNCTION public.search_code(text);
DROP FUNCTION public.search_fold(text);
DROP TEXT SEARCH CONFIGURATION public.plumbline;
DROP EXTENSION pg_trgm;
DROP EXTENSION unaccent;
