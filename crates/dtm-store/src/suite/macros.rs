//! The list of all promises.

/// Stamps out one test for each promise of a store; see [`suite`](crate::suite).
#[macro_export]
macro_rules! store_suite {
    ($open:expr) => {
        $crate::store_suite! { @themes $open;
            creation [
                a_created_transaction_is_loaded_as_it_was
                a_second_creation_is_refused_and_changes_nothing
                of_eight_creations_of_one_gid_at_once_one_wins
                gids_that_are_prefixes_of_one_another_keep_their_branches
                gids_that_only_look_alike_are_different_transactions
                a_gid_with_spaces_slashes_quotes_or_unicode_works
                a_gid_that_nobody_created_is_absent
                a_transaction_that_is_finished_or_has_branches_cannot_be_created
                a_payload_of_one_megabyte_survives
                bytes_that_are_no_text_survive
                empty_and_absent_stay_different
                ten_thousand_creations_at_once_are_all_there
            ]
            commits [
                a_commit_replaces_state_owner_and_due_time
                a_commit_that_expects_another_status_changes_nothing
                a_commit_under_another_token_changes_nothing
                a_commit_that_missed_a_registration_changes_nothing
                an_owner_that_was_overtaken_changes_nothing
                a_released_token_must_still_be_named
                keep_takes_a_released_transaction_back
                a_finished_transaction_never_changes
                a_due_time_has_to_fit_the_status
                of_eight_commits_at_once_one_wins
            ]
            registration [
                branches_come_back_in_the_order_of_registration
                a_registration_changes_neither_state_nor_owner
                only_a_prepared_transaction_takes_branches
                a_registration_that_missed_another_changes_nothing
                a_registration_under_another_token_changes_nothing
                registrations_at_once_lose_no_branch
                a_registration_and_an_abort_at_once_lose_no_branch
                a_thousand_branches_keep_their_order
            ]
            claims [
                what_is_due_and_not_held_is_claimed_under_a_fresh_token
                the_longest_due_is_claimed_first_and_no_more_than_the_limit
                what_is_held_is_not_claimed_while_its_node_lives
                what_a_silent_node_held_is_claimed
                a_node_lives_for_its_own_time_out_and_not_for_that_of_the_claimer
                what_a_node_holds_is_found_page_by_page
                a_claimer_never_gets_what_it_holds_itself
                what_an_earlier_epoch_held_is_claimed
                what_a_node_held_that_left_is_claimed
                what_is_finished_is_never_claimed
                what_is_claimed_brings_its_branches
                eight_claimers_at_once_never_get_the_same_transaction
            ]
            reschedule [
                what_is_due_later_becomes_due_now_and_keeps_its_token
                a_reschedule_stops_at_the_limit_and_says_whether_more_remain
                what_the_caller_holds_is_left_to_the_caller
                what_is_finished_is_not_rescheduled
            ]
            scan [
                a_listing_goes_from_the_newest_to_the_oldest
                a_listing_shows_each_exactly_once_while_rows_change_and_new_ones_come
                a_filter_shows_what_matches_and_nothing_else
                a_cursor_of_another_store_is_refused
            ]
            topics [
                a_topic_starts_at_version_one_and_counts_its_changes
                a_lost_race_for_a_topic_is_an_error
                a_topic_that_is_deleted_and_created_again_starts_anew
                topics_are_listed_by_name_page_by_page
                of_eight_creations_of_one_topic_at_once_one_wins
            ]
            nodes [
                each_start_of_a_node_has_a_larger_epoch
                an_earlier_epoch_cannot_renew_its_heartbeat
                a_node_that_left_cannot_renew_its_heartbeat
                an_earlier_epoch_that_leaves_late_does_not_end_the_later_one
                a_node_is_alive_from_its_start_until_it_leaves_or_falls_silent
            ]
            damage [
                a_record_that_cannot_be_read_is_an_error_and_never_absent
                a_record_that_cannot_be_read_is_reported_once_and_its_neighbours_are_claimed
                a_bad_row_among_a_thousand_leaves_its_neighbours_alone
            ]
            purge [
                what_finished_long_ago_is_removed_with_its_branches
                what_is_unfinished_is_never_removed
                a_purge_stops_at_the_limit
            ]
            durability [
                everything_acknowledged_survives_a_restart
                a_finished_transaction_stays_finished_after_a_restart
                a_claim_survives_a_restart
                a_closed_store_refuses_writes_and_has_kept_everything
                the_store_answers_and_counts_what_it_writes
            ]
        }
    };
    (@themes $open:expr; $($theme:ident [$($case:ident)*])*) => {
        $($crate::store_suite! { @theme $open; $theme [$($case)*] })*
    };
    (@theme $open:expr; $theme:ident [$($case:ident)*]) => {
        mod $theme {
            #[allow(unused_imports, reason = "the expression may name anything of the test file")]
            use super::*;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let mut under_test = $open;
                    $crate::suite::$theme::$case(&mut under_test).await;
                }
            )*
        }
    };
}
