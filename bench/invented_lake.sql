-- macro chance
CREATE MACRO chance(i, salt, most) AS (hash(i * 1000 + salt) % most)::BIGINT;
-- macro id
CREATE MACRO id(prefix, i) AS printf('%08x%024x', prefix, i);
-- macro day
CREATE MACRO day(i, salt) AS DATE '2023-10-01' + chance(i, salt, 1096)::INTEGER;
-- macro persons
CREATE VIEW persons AS
SELECT i, id(1, i) AS person, id(2, i % getvariable('centres')) AS centre, id(3, i % 100) AS team, chance(i, 1, 100) AS kind,
  (DATE '1930-01-01' + INTERVAL (chance(i, 2, 1140)) MONTH)::DATE AS born
FROM range(getvariable('n')) r(i) WHERE i % getvariable('centres') = getvariable('home')
-- residents
SELECT person, centre, team, CASE WHEN i % 2 = 0 THEN '1' ELSE '2' END AS sex, born,
  CASE WHEN kind < 18 THEN '|hypertension|' WHEN kind < 22 THEN '|diabetes|hypertension|' WHEN kind < 27 THEN '|diabetes|'
    WHEN kind < 30 THEN '|copd|' ELSE '' END AS traits,
  day(i, 3) AS created_on, CASE WHEN chance(i, 4, 50) = 0 THEN day(i, 5) END AS deceased_on,
  CASE WHEN chance(i, 6, 50) = 0 THEN day(i, 7) END AS moved_on, strftime(day(i, 3), '%Y-%m') AS month
FROM persons
-- contracts
SELECT id(4, i) AS contract, person, centre, team, 'basic' AS package, day(i, 8) AS since, (day(i, 8) + INTERVAL 1 YEAR)::DATE AS until,
  CASE WHEN chance(i, 9, 20) = 0 THEN day(i, 10) END AS over_on, strftime(day(i, 8), '%Y-%m') AS month
FROM persons WHERE chance(i, 11, 100) < 45
-- owed
SELECT id(5, i * 8 + k) AS promise, person, centre, team, 'contact' AS service, 'nurse' AS duty, due AS starts, due, due AS ends,
  CASE WHEN chance(i * 8 + k, 12, 10) < 8 THEN (due + chance(i * 8 + k, 13, 30)::INTEGER - 25)::DATE END AS kept_on,
  CASE WHEN chance(i * 8 + k, 14, 50) = 0 THEN due - 3 END AS withdrawn_on,
  CASE WHEN chance(i, 9, 20) = 0 THEN day(i, 10) END AS over_on, strftime(due, '%Y-%m') AS month
FROM (SELECT p.*, k, day(p.i * 8 + k, 15) AS due FROM persons p, range(6) t(k) WHERE chance(p.i, 11, 100) < 45)
-- loops
SELECT id(6, i * 8 + k) AS loop, person, centre, team,
  CASE chance(n, 16, 4) WHEN 0 THEN 'referral.doctor_to_social_worker' WHEN 1 THEN 'referral.social_worker_to_doctor' ELSE 'contract.item' END AS kind,
  'green' AS urgency, CASE WHEN chance(n, 17, 10) < 8 THEN 'completed' ELSE 'rejected' END AS status,
  CASE WHEN chance(n, 18, 10) < 8 THEN 'person' ELSE 'auto' END AS confirmed_by, 'served' AS closed_as,
  CASE WHEN chance(n, 19, 50) = 0 THEN 'dead' ELSE '' END AS gone, '' AS close_reason, on_ AS promised_on, on_ + 30 AS due_on, on_ + 33 AS closed_on,
  (on_ + 30)::TIMESTAMP AS promised_by, (on_ + 30)::TIMESTAMP + INTERVAL (chance(n, 20, 2000) - 1600) MINUTE AS completed_at,
  strftime(on_, '%Y-%m') AS month
FROM (SELECT p.*, k, p.i * 8 + k AS n, day(p.i * 8 + k, 21) AS on_ FROM persons p, range(8) t(k))
-- observations
SELECT id(7, n) AS reading, person, CASE WHEN chance(n, 22, 10) < 7 THEN 'bp' ELSE 'glucose' END AS kind,
  CASE WHEN chance(n, 23, 2) = 0 THEN 'fasting' ELSE 'random' END AS context, on_ AS day,
  on_::TIMESTAMP + INTERVAL (chance(n, 24, 1000)) MINUTE AS at, 110.0::DOUBLE + chance(n, 25, 60) AS sbp, 60.0::DOUBLE + chance(n, 26, 40) AS dbp,
  4.0::DOUBLE + chance(n, 27, 60) / 10 AS glucose, NULL::DOUBLE AS hba1c, strftime(on_, '%Y-%m') AS month
FROM (SELECT p.*, p.i * 60 + k AS n, day(p.i * 60 + k, 28) AS on_ FROM persons p, range(50) t(k) WHERE p.kind < 30)
-- visits
SELECT id(8, n) AS visit, person, (1 + chance(n, 29, 3))::VARCHAR AS way, on_ AS day, strftime(on_, '%Y-%m') AS month
FROM (SELECT p.*, p.i * 16 + k AS n, day(p.i * 16 + k % 10, 30) AS on_ FROM persons p, range(14) t(k) WHERE p.kind < 30)
-- followups
SELECT id(9, n) AS form, person, CASE WHEN kind < 18 OR (kind < 22 AND k % 2 = 0) THEN 'htn' ELSE 'dm' END AS followup, on_ AS day,
  strftime(on_, '%Y-%m') AS month
FROM (SELECT p.*, k, p.i * 16 + k AS n, day(p.i * 16 + k, 30) AS on_ FROM persons p, range(10) t(k) WHERE p.kind < 30)
