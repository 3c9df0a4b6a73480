-- referral_closed referral_in_time referral_to_social_worker referral_to_doctor
WITH sent AS (
  SELECT centre, team, kind, due_on <= DATE '2026-09-30' AS due, status = 'completed' AND confirmed_by IN ('person', 'not_needed') AS confirmed,
    closed_on <= DATE '2026-09-30' AS closed, completed_at <= promised_by AS in_time
  FROM loops WHERE promised_on BETWEEN DATE '2026-07-01' AND DATE '2026-09-30' AND status <> 'entered-in-error' AND gone NOT IN ('dead', 'moved', 'erased')
    AND close_reason NOT IN ('C6', 'C7') AND kind IN ('referral.doctor_to_social_worker', 'referral.social_worker_to_doctor')
)
SELECT centre, team, count(*) FILTER (confirmed AND closed), count(*),
  count(*) FILTER (due AND confirmed AND in_time), count(*) FILTER (due),
  count(*) FILTER (due AND confirmed AND in_time AND kind LIKE '%to_social_worker'), count(*) FILTER (due AND kind LIKE '%to_social_worker'),
  count(*) FILTER (due AND confirmed AND in_time AND kind LIKE '%to_doctor'), count(*) FILTER (due AND kind LIKE '%to_doctor')
FROM sent GROUP BY ALL
-- fulfilment
SELECT centre, team, count(*) FILTER (kept_on <= due), count(*) FROM owed
WHERE due BETWEEN DATE '2026-07-01' AND DATE '2026-09-30' AND (over_on IS NULL OR due < over_on) AND (withdrawn_on IS NULL OR due < withdrawn_on)
  AND service <> 'renewal' GROUP BY ALL
-- coverage coverage_key
WITH signed AS (
  SELECT DISTINCT person FROM contracts WHERE since <= DATE '2026-09-30' AND until > DATE '2026-09-30' AND (over_on IS NULL OR over_on > DATE '2026-09-30')
), people AS (
  SELECT centre, team, signed.person IS NOT NULL AS covered,
    (24321 - (year(born) * 12 + month(born))) >= 780 OR (24321 - (year(born) * 12 + month(born))) < 84 OR regexp_matches(traits, '[|](elderly|elderly_alone|child_0_6|pregnant|high_risk_pregnancy|disabled|certified_disability|low_income|without_support|hypertension|diabetes|copd|tuberculosis|smi)[|]') AS key
  FROM residents LEFT JOIN signed USING (person) WHERE created_on <= DATE '2026-09-30' AND (deceased_on IS NULL OR deceased_on > DATE '2026-09-30') AND (moved_on IS NULL OR moved_on > DATE '2026-09-30')
)
SELECT centre, team, count(*) FILTER (covered), count(*), count(*) FILTER (covered AND key), count(*) FILTER (key) FROM people GROUP BY ALL
-- htn_standard htn_control
WITH followed AS (SELECT DISTINCT person, day FROM followups WHERE followup = 'htn' AND day BETWEEN DATE '2025-10-01' AND DATE '2026-09-30'),
met AS (SELECT DISTINCT person, day FROM visits WHERE way IN ('1', '2') AND day BETWEEN DATE '2025-10-01' AND DATE '2026-09-30'),
often AS (SELECT person, count(met.day) AS days FROM followed LEFT JOIN met USING (person, day) GROUP BY person),
newest AS (
  SELECT person, arg_max(struct_pack(sbp := sbp, dbp := dbp), ("at", reading)) AS newest FROM observations WHERE kind = 'bp' AND day BETWEEN DATE '2025-10-01' AND DATE '2026-09-30' GROUP BY person
)
SELECT centre, team, count(*) FILTER (days >= 4), count(*), count(*) FILTER (newest.sbp < CASE WHEN (24321 - (year(born) * 12 + month(born))) >= 780 THEN 150 ELSE 140 END AND newest.dbp < 90), count(*)
FROM residents JOIN often USING (person) LEFT JOIN newest USING (person)
WHERE created_on <= DATE '2026-09-30' AND (deceased_on IS NULL OR deceased_on > DATE '2026-09-30') AND (moved_on IS NULL OR moved_on > DATE '2026-09-30') AND (24321 - (year(born) * 12 + month(born))) >= 420 GROUP BY ALL
-- htn_controlled htn_uncontrolled htn_unmeasured htn_missed htn_lost
WITH first_time AS (SELECT person, min(day) AS first_on FROM followups WHERE followup = 'htn' AND day <= DATE '2026-09-30' GROUP BY person),
met AS (
  SELECT person, max(day) AS met_on FROM (
    SELECT person, max(day) AS day FROM visits WHERE day <= DATE '2026-09-30' GROUP BY person
    UNION ALL SELECT person, max(day) FROM observations WHERE kind = 'bp' AND day <= DATE '2026-09-30' GROUP BY person
  ) GROUP BY person
),
newest AS (
  SELECT person, max(day) AS read_on, arg_max(struct_pack(sbp := sbp, dbp := dbp), ("at", reading)) AS newest FROM observations WHERE kind = 'bp' AND day <= DATE '2026-09-30' GROUP BY person
),
people AS (
  SELECT centre, team, (24321 - (year(coalesce(first_on, created_on)) * 12 + month(coalesce(first_on, created_on)))) AS registered, coalesce((24321 - (year(met_on) * 12 + month(met_on))), 999) AS seen,
    coalesce((24321 - (year(read_on) * 12 + month(read_on))), 999) AS read, coalesce(newest.sbp < 140 AND newest.dbp < 90, false) AS good
  FROM residents LEFT JOIN first_time USING (person) LEFT JOIN met USING (person) LEFT JOIN newest USING (person)
  WHERE created_on <= DATE '2026-09-30' AND (deceased_on IS NULL OR deceased_on > DATE '2026-09-30') AND (moved_on IS NULL OR moved_on > DATE '2026-09-30') AND (contains(traits, '|hypertension|') OR first_on IS NOT NULL) AND born IS NOT NULL
),
told AS (SELECT *, registered < 12 OR seen < 12 AS care, seen < 3 AS visited, seen < 3 AND read < 3 AS measured FROM people)
SELECT centre, team, count(*) FILTER (asked AND measured AND good), count(*) FILTER (asked), count(*) FILTER (asked AND measured AND NOT good),
  count(*) FILTER (asked), count(*) FILTER (asked AND visited AND NOT measured), count(*) FILTER (asked),
  count(*) FILTER (asked AND NOT visited), count(*) FILTER (asked), count(*) FILTER (NOT care), count(*)
FROM (SELECT *, care AND registered >= 3 AS asked FROM told) GROUP BY ALL
-- dm_standard dm_control
WITH followed AS (SELECT DISTINCT person, day FROM followups WHERE followup = 'dm' AND day BETWEEN DATE '2025-10-01' AND DATE '2026-09-30'),
met AS (SELECT DISTINCT person, day FROM visits WHERE way IN ('1', '2') AND day BETWEEN DATE '2025-10-01' AND DATE '2026-09-30'),
often AS (SELECT person, count(met.day) AS days FROM followed LEFT JOIN met USING (person, day) GROUP BY person),
newest AS (
  SELECT person, arg_max(struct_pack(glucose := glucose), ("at", reading)) AS newest FROM observations WHERE kind = 'glucose' AND context = 'fasting' AND day BETWEEN DATE '2025-10-01' AND DATE '2026-09-30' GROUP BY person
)
SELECT centre, team, count(*) FILTER (days >= 4), count(*), count(*) FILTER (newest.glucose < 7.0), count(*)
FROM residents JOIN often USING (person) LEFT JOIN newest USING (person)
WHERE created_on <= DATE '2026-09-30' AND (deceased_on IS NULL OR deceased_on > DATE '2026-09-30') AND (moved_on IS NULL OR moved_on > DATE '2026-09-30') AND (24321 - (year(born) * 12 + month(born))) >= 420 GROUP BY ALL
-- dm_controlled dm_uncontrolled dm_unmeasured dm_missed dm_lost
WITH first_time AS (SELECT person, min(day) AS first_on FROM followups WHERE followup = 'dm' AND day <= DATE '2026-09-30' GROUP BY person),
met AS (
  SELECT person, max(day) AS met_on FROM (
    SELECT person, max(day) AS day FROM visits WHERE day <= DATE '2026-09-30' GROUP BY person
    UNION ALL SELECT person, max(day) FROM observations WHERE kind = 'glucose' AND day <= DATE '2026-09-30' GROUP BY person
  ) GROUP BY person
),
newest AS (
  SELECT person, max(day) AS read_on, arg_max(struct_pack(glucose := glucose), ("at", reading)) AS newest FROM observations WHERE kind = 'glucose' AND context = 'fasting' AND day <= DATE '2026-09-30' GROUP BY person
),
people AS (
  SELECT centre, team, (24321 - (year(coalesce(first_on, created_on)) * 12 + month(coalesce(first_on, created_on)))) AS registered, coalesce((24321 - (year(met_on) * 12 + month(met_on))), 999) AS seen,
    coalesce((24321 - (year(read_on) * 12 + month(read_on))), 999) AS read, coalesce(newest.glucose < 7.0, false) AS good
  FROM residents LEFT JOIN first_time USING (person) LEFT JOIN met USING (person) LEFT JOIN newest USING (person)
  WHERE created_on <= DATE '2026-09-30' AND (deceased_on IS NULL OR deceased_on > DATE '2026-09-30') AND (moved_on IS NULL OR moved_on > DATE '2026-09-30') AND (contains(traits, '|diabetes|') OR first_on IS NOT NULL) AND born IS NOT NULL
),
told AS (SELECT *, registered < 12 OR seen < 12 AS care, seen < 3 AS visited, seen < 3 AND read < 3 AS measured FROM people)
SELECT centre, team, count(*) FILTER (asked AND measured AND good), count(*) FILTER (asked), count(*) FILTER (asked AND measured AND NOT good),
  count(*) FILTER (asked), count(*) FILTER (asked AND visited AND NOT measured), count(*) FILTER (asked),
  count(*) FILTER (asked AND NOT visited), count(*) FILTER (asked), count(*) FILTER (NOT care), count(*)
FROM (SELECT *, care AND registered >= 3 AS asked FROM told) GROUP BY ALL
