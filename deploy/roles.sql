-- The role that runs Yishe owns nothing. Give it its password at once:
--   docker compose exec db psql -U yishe_owner -d yishe -c "\\password yishe_app"
CREATE ROLE yishe_app LOGIN;
