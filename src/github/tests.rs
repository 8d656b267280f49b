use super::*;

#[test]
fn the_next_page_is_found_in_a_link_header() {
    let link = "<https://api.github.com/app/hook/deliveries?per_page=100&cursor=v1_9>; rel=\"next\", <https://x>; rel=\"first\"";
    assert_eq!(next_page(Some(link), "cursor"), Some("v1_9"));
    assert_eq!(next_page(Some("<https://x?cursor=1>; rel=\"prev\""), "cursor"), None);
    assert_eq!(next_page(None, "cursor"), None);
}
