"""The simulated services, one by one, and what happens to calls that no service has."""

from __future__ import annotations

import json
from typing import Any

import pytest
from shinsa_benchmarks.catalog.bfcl_multi_turn.simulation import play as simulation

PACKAGE = "shinsa_benchmarks.catalog.bfcl_multi_turn.simulation."


def run(service: str, config: dict[str, Any], *calls: tuple[str, dict[str, Any]]) -> tuple[list[Any], Any]:
    """Results of the calls, and the state after them."""
    scene = {
        "config": {service: config},
        "classes": [service],
        "turns": [[[name, [], keywords] for name, keywords in calls]],
    }
    turn = simulation.play(scene, PACKAGE)["turns"][0]
    return [json.loads(result) for result in turn["results"]], turn["state"][service]


ROOT = {
    "root": {
        "home": {
            "type": "directory",
            "contents": {"a.txt": {"type": "file", "content": "b\na\nb c"}, "d": {"type": "directory", "contents": {}}},
        }
    }
}


def test_files() -> None:
    results, state = run(
        "GorillaFileSystem",
        ROOT,
        ("pwd", {}),
        ("ls", {}),
        ("sort", {"file_name": "a.txt"}),
        ("grep", {"file_name": "a.txt", "pattern": "b"}),
        ("wc", {"file_name": "a.txt", "mode": "w"}),
        ("tail", {"file_name": "a.txt", "lines": 1}),
        ("cp", {"source": "a.txt", "destination": "b.txt"}),
        ("mv", {"source": "b.txt", "destination": "d"}),
        ("echo", {"content": "new", "file_name": "a.txt"}),
        ("cd", {"folder": "d"}),
        ("diff", {"file_name1": "b.txt", "file_name2": "b.txt"}),
        ("du", {}),
        ("cd", {"folder": ".."}),
        ("find", {"path": ".", "name": "b"}),
        ("touch", {"file_name": ".hidden"}),
        ("rmdir", {"dir_name": "d"}),
    )
    assert results == [
        {"current_working_directory": "/home"},
        {"current_directory_content": ["a.txt", "d"]},
        {"sorted_content": "a\nb\nb c"},
        {"matching_lines": ["b", "b c"]},
        {"count": 4, "type": "words"},
        {"last_lines": "b c"},
        {"result": "'a.txt' copied to 'b.txt'"},
        {"result": "'b.txt' moved to 'd/b.txt'"},
        None,
        {"current_working_directory": "d"},
        {"diff_lines": ""},
        {"disk_usage": "7 bytes"},
        {},
        {"matches": ["./d/b.txt"]},
        None,
        {"error": "rmdir: d: the directory is not empty"},
    ]
    assert state == {"root": "home", "contents": {"a.txt": "new", "d": {"b.txt": "b\na\nb c"}, ".hidden": ""}}


def test_a_copy_is_no_second_name() -> None:
    _, state = run(
        "GorillaFileSystem",
        ROOT,
        ("cp", {"source": "d", "destination": "e"}),
        ("cd", {"folder": "e"}),
        ("touch", {"file_name": "x"}),
    )
    assert state["contents"]["d"] == {}
    assert state["contents"]["e"] == {"x": ""}


def test_arithmetic() -> None:
    results, _ = run(
        "MathAPI",
        {},
        ("mean", {"numbers": [1, 2, 6]}),
        ("standard_deviation", {"numbers": [2, 4]}),
        ("logarithm", {"value": 8, "base": 2, "precision": 10}),
        ("square_root", {"number": 2, "precision": 5}),
        ("power", {"base": 2, "exponent": 10}),
        ("power", {"base": 10, "exponent": 10**9}),
        ("multiply", {"a": "x", "b": 10**9}),
        ("divide", {"a": 1, "b": 0}),
        ("imperial_si_conversion", {"value": 212, "unit_in": "fahrenheit", "unit_out": "celsius"}),
    )
    assert results[:5] == [{"result": 3.0}, {"result": 1.0}, {"result": 3.0}, {"result": 1.4142}, {"result": 1024}]
    assert all("error" in result for result in results[5:8])
    assert results[8] == {"result": 100.0}


def test_messages() -> None:
    results, state = run(
        "MessageAPI",
        {},
        ("send_message", {"receiver_id": "USR002", "message": "hi"}),
        ("message_login", {"user_id": "USR001"}),
        ("add_contact", {"user_name": "Emi"}),
        ("send_message", {"receiver_id": "USR005", "message": "hi"}),
        ("delete_message", {"receiver_id": "USR002"}),
        ("search_messages", {"keyword": "HI"}),
    )
    assert results[0] == {"error": "nobody is logged in"}
    assert results[2]["user_id"] == "USR005"
    assert results[5] == {"results": [{"receiver_id": "USR005", "message": "hi"}]}
    assert [next(iter(message)) for message in state["inbox"]] == ["USR003", "USR004", "USR005"]


def test_posts() -> None:
    results, state = run(
        "TwitterAPI",
        {
            "tweet_counter": 5,
            "tweets": {"4": {"id": 4, "username": "emi", "content": "Tea", "tags": ["#tea"], "mentions": []}},
        },
        ("post_tweet", {"content": "x"}),
        ("authenticate_twitter", {"username": "john", "password": "john123"}),
        ("post_tweet", {"content": "x", "tags": ["#y"]}),
        ("retweet", {"tweet_id": 4}),
        ("retweet", {"tweet_id": 4}),
        ("comment", {"tweet_id": 4, "comment_content": "mm"}),
        ("mention", {"tweet_id": 4, "mentioned_usernames": ["@a"]}),
        ("search_tweets", {"keyword": "TEA"}),
    )
    assert "error" in results[0]
    assert results[2] == {"id": 5, "username": "john", "content": "x", "tags": ["#y"], "mentions": []}
    assert [result["retweet_status"] for result in results[3:5]] == ["Successfully retweeted", "Already retweeted"]
    assert state["tweets"]["4"]["mentions"] == ["@a"]
    assert state["comments"] == {"4": [{"username": "john", "content": "mm"}]}
    assert [tweet["id"] for tweet in results[7]] == [4]


def test_tickets() -> None:
    results, state = run(
        "TicketAPI",
        {},
        ("create_ticket", {"title": "a"}),
        ("ticket_login", {"username": "mori", "password": "p"}),
        ("create_ticket", {"title": "a", "priority": 6}),
        ("create_ticket", {"title": "a", "priority": 5}),
        ("edit_ticket", {"ticket_id": 1, "updates": {"status": "Urgent", "priority": None}}),
        ("edit_ticket", {"ticket_id": 1, "updates": {"owner": "x"}}),
        ("close_ticket", {"ticket_id": 1}),
        ("close_ticket", {"ticket_id": 1}),
    )
    assert ["error" in result for result in results] == [True, False, True, False, False, True, False, True]
    assert state["ticket_queue"] == [
        {"id": 1, "title": "a", "description": "", "status": "Closed", "priority": 5, "created_by": "mori"}
    ]


def test_trading() -> None:
    results, state = run(
        "TradingBot",
        {"authenticated": True},
        ("make_transaction", {"account_id": 12345, "xact_type": "withdrawal", "amount": 500}),
        ("update_market_status", {"current_time_str": "10:30 AM"}),
        ("make_transaction", {"account_id": 12345, "xact_type": "withdrawal", "amount": 500}),
        ("update_market_status", {"current_time_str": "04:01 PM"}),
        ("place_order", {"order_type": "Buy", "symbol": "AAPL", "price": 10, "amount": 2}),
        ("cancel_order", {"order_id": 12345}),
        ("cancel_order", {"order_id": 12446}),
        ("add_to_watchlist", {"stock": "ZETA"}),
        ("add_to_watchlist", {"stock": "NONE"}),
    )
    assert "error" in results[0]
    assert results[1] == {"status": "Open"}
    assert results[2]["new_balance"] == 9500.0
    assert results[3] == {"status": "Closed"}
    assert results[4]["order_id"] == 12446
    assert "completed" in results[5]["error"]
    assert state["orders"]["12446"]["status"] == "Cancelled"
    assert results[8] == {"symbol": ["NVDA", "ZETA"]}


def test_a_car_starts_behind_locked_doors_with_the_brake_pressed() -> None:
    results, state = run(
        "VehicleControlAPI",
        {"fuelLevel": 10.0},
        ("startEngine", {"ignitionMode": "START"}),
        ("lockDoors", {"unlock": False, "door": ["driver", "passenger", "rear_left", "rear_right"]}),
        ("startEngine", {"ignitionMode": "START"}),
        ("pressBrakePedal", {"pedalPosition": 1}),
        ("startEngine", {"ignitionMode": "START"}),
        ("fillFuelTank", {"fuelAmount": 41}),
        ("estimate_distance", {"cityA": "74532", "cityB": "83214"}),
        ("estimate_drive_feasibility_by_mileage", {"distance": 200.5}),
    )
    assert ["error" in result for result in results] == [True, False, True, False, False, True, False, False]
    assert results[4]["engineState"] == state["engineState"] == "running"
    assert results[6] == {"distance": 750.0}
    assert results[7] == {"canDrive": False}
    assert state["remainingUnlockedDoors"] == 0


def test_travel() -> None:
    card = {"balance": 1000.0}
    results, state = run(
        "TravelAPI",
        {
            "access_token": "t",
            "token_expires_in": 2,
            "credit_card_list": {"c": card},
            "user_first_name": "Mei",
            "user_last_name": "Sato",
        },
        (
            "get_flight_cost",
            {"travel_from": "SFO", "travel_to": "LAX", "travel_date": "2024-11-10", "travel_class": "business"},
        ),
        (
            "get_flight_cost",
            {"travel_from": "SFO", "travel_to": "LAX", "travel_date": "2024-11-11", "travel_class": "economy"},
        ),
        (
            "book_flight",
            {
                "access_token": "t",
                "card_id": "c",
                "travel_date": "2024-11-10",
                "travel_from": "SFO",
                "travel_to": "LAX",
                "travel_class": "business",
            },
        ),
        (
            "purchase_insurance",
            {
                "access_token": "t",
                "insurance_type": "x",
                "booking_id": "3426812",
                "insurance_cost": 100.0,
                "card_id": "c",
            },
        ),
        ("cancel_booking", {"access_token": "t", "booking_id": "3426812"}),
        ("set_budget_limit", {"access_token": "u", "budget_limit": 5}),
        ("compute_exchange_rate", {"base_currency": "RMB", "target_currency": "USD", "value": 20000.0}),
        (
            "verify_traveler_information",
            {"first_name": "Mei", "last_name": "Sato", "date_of_birth": "2006-09-02", "passport_number": "US1"},
        ),
    )
    assert results[0] == {"travel_cost_list": [400.0]}
    assert results[1] == {"travel_cost_list": [400.0]}, "twice the fare on an even day"
    assert results[2]["booking_id"] == "3426812", "as the data set's later calls expect"
    assert results[4] == {"cancel_status": True}
    assert "error" in results[5]
    assert results[6] == {"exchanged_value": 2857.14}
    assert results[7]["verification_status"] is False
    assert state["credit_card_list"]["c"]["balance"] == 900.0
    assert card == {"balance": 1000.0}, "a scene's own configuration stays as it is"


def test_a_wrong_token_costs_a_use_of_the_right_one() -> None:
    scene = {"access_token": "t", "token_expires_in": 2, "credit_card_list": {"c": {"balance": 1.0}}}
    right, wrong = ({"access_token": token, "card_id": "c"} for token in "tu")
    asked = [("get_credit_card_balance", token) for token in (wrong, right, wrong, right)]
    results, state = run("TravelAPI", scene, *asked)
    assert ["error" in result for result in results] == [True, False, True, True]
    assert (results[3]["error"], state["token_expires_in"]) == ("the token has expired", 0)
    assert run("TravelAPI", {"access_token": "t"}, *asked[:1])[1]["token_expires_in"] is None


def test_what_is_booked_written_and_told() -> None:
    """Of a booking what the customer was told counts, as a number however it is written; of a message its words."""
    scene = {"access_token": "t", "credit_card_list": {"c": {"balance": 900.0}}}
    booked = {"access_token": "t", "card_id": "c", "travel_from": "X", "travel_to": "Y", "travel_class": "z"}
    invoice, support = {"access_token": "t", "booking_id": "3426812"}, {"booking_id": "3426812"}
    told = [
        run(
            "TravelAPI",
            scene,
            ("book_flight", {**booked, "travel_date": "soon", "travel_cost": cost}),
            ("retrieve_invoice", invoice),
            ("contact_customer_support", {**support, "message": message}),
        )[0]
        for cost, message in ((400, "please"), (400.0, "quickly"))
    ]
    assert repr(told[0][1]["invoice"]["travel_cost"]) == repr(told[1][1]["invoice"]["travel_cost"]) == "400.0"
    assert told[0][:2] == told[1][:2]
    assert told[0][2] != told[1][2]


@pytest.mark.parametrize(
    ("name", "born", "failure"),
    [("Mei", "2000-4-5", ""), ("Mei", "5 April 2000", "date of birth"), ("Ken", "5 April 2000", "names")],
)
def test_a_traveller_is_looked_at_name_first(name: str, born: str, failure: str) -> None:
    given = {"first_name": name, "last_name": "Sato", "date_of_birth": born, "passport_number": "US1"}
    scene = {"user_first_name": "Mei", "user_last_name": "Sato"}
    (result,), _ = run("TravelAPI", scene, ("verify_traveler_information", given))
    assert result["verification_status"] is not bool(failure)
    assert failure in result.get("verification_failure", "")


@pytest.mark.parametrize("name", ["_here", "__init__", "state", "__class__", "no_such", "GorillaFileSystem._here"])
def test_only_public_methods_are_functions(name) -> None:
    results, _ = run("GorillaFileSystem", ROOT, (name, {}))
    assert "there is no function" in results[0]["error"]


def test_wrong_arguments_are_told() -> None:
    results, _ = run(
        "GorillaFileSystem", ROOT, ("cd", {"path": "d"}), ("cat", {"file_name": ["a.txt"]}), ("cd", {"folder": 3})
    )
    assert all("error" in result for result in results)


FILLER = {
    "WATCH_LIST_EXTENSION": ["AAAA"],
    "TRANSACTION_HISTORY_EXTENSION": [{"type": "deposit"}],
    "MA_5_EXTENSION": [1.0],
    "MA_20_EXTENSION": [2.0],
    "TECHNOLOGY_EXTENSION": ["CCCC"],
    "AUTOMOBILE_EXTENSION": ["DDDD"],
    "ORDER_DETAIL_EXTENSION": {"remark": "of {symbol}"},
    "FILE_CONTENT_EXTENSION": " and more",
    "POPULATE_FILE_EXTENSION": ["p.jpg", "a.txt"],
    "CAR_STATUS_METADATA_EXTENSION": "blue",
    "LONG_WEATHER_EXTENSION": {"-1_day": 3},
    "PARKING_BRAKE_INSTRUCTION": "pull",
    "INTERMEDIARY_CITIES": ["Halfway"],
    "CREDIT_CARD_EXTENSION": {"9": {"balance": 1.0}},
    "BOOKING_RECORD_EXTENSION": {"b9": {}},
    "FILES_TAIL_USED": ["log.txt"],
}


def long(service: str, config: dict[str, Any], *calls: tuple[str, dict[str, Any]]) -> tuple[list[Any], Any]:
    """As ``run``, in a scene of long context."""
    turns = [[[name, [], keywords] for name, keywords in calls]]
    scene = {"config": {service: config}, "classes": [service], "turns": turns, "filler": FILLER}
    turn = simulation.play(scene, PACKAGE)["turns"][0]
    return [json.loads(result) for result in turn["results"]], turn["state"][service]


def test_files_of_long_context() -> None:
    inner = {"log.txt": {"type": "file", "content": "x"}, "a.txt": {"type": "file", "content": "y"}}
    root = {"root": {"home": {"type": "directory", "contents": {"d": {"type": "directory", "contents": inner}}}}}
    _, state = long("GorillaFileSystem", root)
    assert state["contents"] == {"d": {"log.txt": "x", "a.txt": "y and more", "p.jpg": ""}}


def test_answers_of_long_context() -> None:
    results, state = long(
        "TradingBot",
        {"authenticated": True, "watch_list": ["NVDA"], "transaction_history": []},
        ("get_watchlist", {}),
        ("get_transaction_history", {}),
        ("get_stock_info", {"symbol": "NVDA"}),
        ("get_available_stocks", {"sector": "Technology"}),
        ("get_order_details", {"order_id": 12345}),
        ("get_order_details", {"order_id": 1}),
    )
    assert results[0] == {"watchlist": ["NVDA", "AAAA"]}
    assert results[1] == {"transaction_history": [{"type": "deposit"}]}
    assert (results[2]["MA(5)"], results[2]["MA(20)"]) == ([1.0], [2.0])
    assert results[3]["stock_list"][-1] == "CCCC"
    assert results[4]["remark"] == f"of {results[4]['symbol']}"
    assert "error" in results[5]
    # What is only told is no part of the state.
    assert (state["watch_list"], state["transaction_history"]) == (["NVDA"], [])
    assert state["stocks"]["NVDA"] == run("TradingBot", {})[1]["stocks"]["NVDA"]
    (told,), _ = long("VehicleControlAPI", {}, ("displayCarStatus", {"option": "fuel"}))
    assert told["metadata"] == "blue"
    _, travel = long("TravelAPI", {"credit_card_list": {"1": {"balance": 2.0}}})
    assert set(travel["credit_card_list"]) == {"1", "9"}
    assert set(travel["booking_record"]) == {"b9"}
