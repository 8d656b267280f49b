//! Single values of the policy file: members of a group, and durations.

use super::Member;
use crate::domain::Millis;

const MINUTE: Millis = 60_000;
const SHORTEST: Millis = 5 * MINUTE;
/// GitHub itself gives a waiting job up after 30 days.
const LONGEST: Millis = 29 * 24 * 60 * MINUTE;

/// Reads `30m`, `4h` or `7d`, from 5 minutes to 29 days, as milliseconds.
pub(super) fn duration(key: &str, text: &str) -> Result<Millis, String> {
    let text = text.trim();
    let unit = match text.chars().next_back() {
        Some('m') => MINUTE,
        Some('h') => 60 * MINUTE,
        Some('d') => 24 * 60 * MINUTE,
        _ => return Err(not_a_duration(key, &format!("`{text}`"))),
    };
    let digits = &text[..text.len() - 1];
    let number = digits.parse::<Millis>().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()));
    let duration = number.ok_or_else(|| not_a_duration(key, &format!("`{text}`")))?.saturating_mul(unit);
    if (SHORTEST..=LONGEST).contains(&duration) {
        Ok(duration)
    } else {
        Err(format!("`{key}` is from 5m to 29d, not `{text}`"))
    }
}

/// As a policy spells it, in the largest unit that fits.
pub(super) fn spell(duration: Millis) -> String {
    let minutes = duration / MINUTE;
    match (minutes % (24 * 60), minutes % 60) {
        (0, _) => format!("{}d", minutes / (24 * 60)),
        (_, 0) => format!("{}h", minutes / 60),
        _ => format!("{minutes}m"),
    }
}

pub(super) fn not_a_duration(key: &str, found: &str) -> String {
    format!("`{key}` reads like `30m`, `4h` or `7d`, not {found}")
}

pub(super) fn is_group_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// Reads `octocat`, `@octocat` or `@acme/platform`.
pub(super) fn member(text: &str) -> Result<Member, String> {
    let text = text.trim();
    if text.ends_with("[bot]") {
        return Err(format!("`{text}` is a bot; bots never approve"));
    }
    if let Some((org, slug)) = text.split_once('/') {
        let org = org.strip_prefix('@').ok_or_else(|| format!("`{text}` looks like a team; write `\"@{text}\"`"))?;
        let is_slug = !slug.is_empty() && slug.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        return if is_login(org) && is_slug {
            Ok(Member::Team { org: org.to_lowercase(), slug: slug.to_lowercase() })
        } else {
            Err(format!("`{text}` is no team; write `\"@organization/team\"`"))
        };
    }
    let login = text.strip_prefix('@').unwrap_or(text);
    if is_login(login) {
        Ok(Member::User(login.to_lowercase()))
    } else {
        Err(format!("`{text}` is no GitHub login; write `octocat` or `\"@acme/platform\"`"))
    }
}

/// GitHub logins: letters, digits and single hyphens, at most 39; managed users carry `_shortcode`.
pub(super) fn is_login(text: &str) -> bool {
    (1..=39).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}
