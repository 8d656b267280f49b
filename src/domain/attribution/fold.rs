//! Letters that look like others: `Сlaudе` with Cyrillic letters is meant to be read as `Claude`.

use std::borrow::Cow;

/// The text as it looks: letters of other scripts inside Latin words become the Latin ones, invisible characters go, full-width
/// forms become plain. Words wholly of another script stay: they are other languages.
pub(in crate::domain) fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.chars().any(|c| !c.is_ascii() && (plain(c).is_some() || is_invisible(c))) {
        return Cow::Borrowed(text);
    }
    let mut folded = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars().filter(|c| !is_invisible(*c)) {
        if c.is_alphanumeric() || c == '-' {
            word.push(c);
            continue;
        }
        push_word(&mut folded, &mut word);
        folded.push(plain(c).unwrap_or(c));
    }
    push_word(&mut folded, &mut word);
    Cow::Owned(folded)
}

/// The text with `\n` for everything that shows as the end of a line and is none to git: vertical tab, form feed, NEL, and Unicode's
/// separators of lines and paragraphs.
pub(super) fn with_plain_breaks(text: &str) -> Cow<'_, str> {
    // Their first bytes, all looked at: that is faster than stopping early.
    let may_have = text.bytes().fold(false, |seen, b| seen | matches!(b, 0x0b | 0x0c | 0xc2 | 0xe2));
    let is_break = |c: char| matches!(c, '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    if may_have && text.contains(is_break) {
        return Cow::Owned(text.replace(is_break, "\n"));
    }
    Cow::Borrowed(text)
}

fn push_word(folded: &mut String, word: &mut String) {
    let is_mixed = word.chars().any(|c| c.is_ascii_alphabetic());
    // A word of look-alikes alone passes for Latin, too; the shortest are words of their own language.
    let all_alike = word.chars().nth(2).is_some() && word.chars().all(|c| c == '-' || plain(c).is_some());
    if is_mixed || all_alike {
        folded.extend(word.chars().map(|c| plain(c).unwrap_or(c)));
    } else {
        folded.push_str(word);
    }
    word.clear();
}

/// Takes no width: joiners, marks of direction, soft hyphens, variation selectors.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

fn plain(c: char) -> Option<char> {
    Some(match c {
        'а' | 'α' => 'a',
        'А' | 'Α' => 'A',
        'В' | 'Β' => 'B',
        'с' | 'ϲ' => 'c',
        'С' | 'Ϲ' => 'C',
        'ԁ' => 'd',
        'е' | 'ҽ' => 'e',
        'Е' | 'Ε' => 'E',
        'һ' => 'h',
        'Н' | 'Η' => 'H',
        'і' | 'ι' | 'ı' => 'i',
        'І' | 'Ι' => 'I',
        'ј' => 'j',
        'Ј' => 'J',
        'К' | 'Κ' => 'K',
        'к' | 'κ' => 'k',
        'ӏ' => 'l',
        'М' | 'Μ' => 'M',
        'Ν' => 'N',
        'ո' => 'n',
        'о' | 'ο' | 'օ' => 'o',
        'О' | 'Ο' | 'Օ' => 'O',
        'р' | 'ρ' => 'p',
        'Р' | 'Ρ' => 'P',
        'ԛ' => 'q',
        'ѕ' => 's',
        'Ѕ' => 'S',
        'Т' | 'Τ' => 'T',
        'т' | 'τ' => 't',
        'υ' | 'ս' => 'u',
        'ν' | 'ѵ' => 'v',
        'ԝ' | 'ѡ' => 'w',
        'х' | 'χ' => 'x',
        'Х' | 'Χ' => 'X',
        'у' | 'γ' => 'y',
        'У' | 'Υ' => 'Y',
        'Ζ' => 'Z',
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => ' ',
        '\u{2010}'..='\u{2013}' | '\u{2212}' => '-',
        '\u{2236}' | '\u{a789}' | '\u{fe55}' => ':',
        '\u{2018}' | '\u{2019}' => '\'',
        // Letters and digits for mathematics: bold, italic, script, one alphabet after the other.
        '\u{1d400}'..='\u{1d6a3}' => {
            let at = u8::try_from((u32::from(c) - 0x1d400) % 52).ok()?;
            char::from(if at < 26 { b'A' + at } else { b'a' + at - 26 })
        }
        '\u{1d7ce}'..='\u{1d7ff}' => char::from_digit((u32::from(c) - 0x1d7ce) % 10, 10)?,
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0)?,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_latin_is_read_as_latin() {
        assert_eq!(fold("Со-аuthоrеd-bу: Сlaude"), "Co-authored-by: Claude");
        assert_eq!(fold("Ｃｌａｕｄｅ：x"), "Claude:x");
        assert_eq!(fold("Cla\u{200b}ude\u{a0}Code"), "Claude Code");
    }

    #[test]
    fn other_languages_stay_as_they_are() {
        assert!(matches!(fold("Написано с помощью ИИ 🤖"), Cow::Owned(text) if text == "Написано с помощью ИИ 🤖"));
        assert!(matches!(fold("größer, café, 生成"), Cow::Borrowed(_)));
    }
}
