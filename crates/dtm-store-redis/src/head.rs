//! The head of a record: all that writes are compared with, in one field.
//!
//! `STATUS BRANCHES OWNER held TIME`, or `free` when nobody drives it. The time is when it is due, or when it ended. The
//! front, all before `held`, is what writes expect. One field instead of six: Redis does less for each, and so does its log.

use dtm_core::model::{Status, Timestamp};
use dtm_store::precondition::Head;
use dtm_store::{OwnerToken, Ownership};

/// How a head begins, up to the owner.
pub(crate) fn front(status: Status, registered: usize, owner: &OwnerToken) -> String {
    format!("{} {registered} {owner}", status.as_str())
}

/// How a head begins, up to the time.
pub(crate) fn beginning(front: &str, held: bool) -> String {
    format!("{front} {} ", if held { "held" } else { "free" })
}

/// What a head says, and its time.
pub(crate) fn parse(text: &str) -> Result<(Head, u64), String> {
    let unreadable = || format!("'{text}' is no head of a record");
    // a node's name may have spaces
    let mut back = text.rsplitn(3, ' ');
    let (Some(time), Some(held), Some(front)) = (back.next(), back.next(), back.next()) else {
        return Err(unreadable());
    };
    let mut parts = front.splitn(3, ' ');
    let (Some(status), Some(registered), Some(owner)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(unreadable());
    };
    let held = match held {
        "held" => true,
        "free" => false,
        _ => return Err(unreadable()),
    };
    let token = OwnerToken::parse(owner).map_err(|error| error.to_string())?;
    let status = Status::parse(status).map_err(|error| error.to_string())?;
    let registered = registered.parse().map_err(|_| unreadable())?;
    let time = time.parse().map_err(|_| unreadable())?;
    let due = (!status.is_final()).then(|| Timestamp::from_millis(time));
    Ok((Head { status, owner: Ownership { token, held }, registered, due }, time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_also_when_the_name_of_the_node_has_spaces() {
        for (name, held, status) in [("a", true, Status::Submitted), ("held 7 free", false, Status::Failed)] {
            let token = OwnerToken::parse(&format!("{name}:7:15")).unwrap();
            let text = beginning(&front(status, 2, &token), held) + "99";
            let (head, time) = parse(&text).unwrap();
            assert_eq!((head.status, head.registered, time), (status, 2, 99));
            assert_eq!(head.owner, Ownership { token, held });
            assert_eq!(head.due, (!status.is_final()).then(|| Timestamp::from_millis(99)));
        }
    }

    #[test]
    fn what_is_no_head_is_not_read_as_one() {
        for text in [
            "",
            "submitted",
            "submitted 0 a:7:15 held ",
            "submitted 0 a:7:15 99",
            "submitted x a:7:15 held 9",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        for text in ["done 0 a:7:15 held 9", "submitted 0 a:7 held 9", "submitted 0 a:7:15 none 9"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
