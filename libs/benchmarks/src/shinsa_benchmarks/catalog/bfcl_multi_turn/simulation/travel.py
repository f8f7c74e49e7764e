"""Flights, credit cards, budgets and insurance."""

from __future__ import annotations

import random
from datetime import date, datetime
from typing import Any

Result = dict[str, Any]
_SEED = 141053
_TODAY = date(2024, 9, 1)
_FULL_AGE = 18
_CITIES = (
    "Rivermist RMS, Stonebrook SBK, Maplecrest MPC, Silverpine SVP, Shadowridge SHD, London LHR, Paris CDG, "
    "Sunset Valley SSV, Oakendale OKD, Willowbend WLB, Crescent Hollow CRH, Autumnville ATV, Pinehaven PHV, "
    "Greenfield GFD, San Francisco SFO, Los Angeles LAX, New York JFK, Chicago ORD, Boston BOS, Beijing PEK, "
    "Hong Kong HKG, Rome CIA, Tokyo HND"
)
_AIRPORTS = {city: code for city, _, code in (entry.rpartition(" ") for entry in _CITIES.split(", "))}
# Economy fares in dollars: a departure, then destinations with fares.
_FARES = """
SFO LAX200 JFK500 ORD400 BOS450 RMS300 SBK350 MPC370 SVP320 SHD330 SSV340 OKD360 WLB310 CRH380 ATV390 PHV420 GFD430
SFO CIA700
LAX SFO100 JFK600 ORD500 BOS550 RMS310 SBK320 MPC330 SVP340 SHD350 SSV360 OKD370 WLB380 CRH390 ATV400 PHV410 GFD420
LAX HND430
JFK ORD300 BOS250 RMS450 SBK460 MPC470 SVP480 SHD490 SSV500 OKD510 WLB520 CRH530 ATV540 PHV550 GFD560 LAX570 HND800
JFK PVG950 PEK1000
ORD LAX180 BOS200 RMS350 SBK360 MPC370 SVP380 SHD390 SSV400 OKD410 WLB420 CRH430 ATV440 PHV450 GFD460
BOS RMS400 SBK410 MPC420 SVP430 SHD440 SSV450 OKD460 WLB470 CRH480 ATV490 PHV500 GFD510
RMS BOS200 JFK210 SBK220 MPC230 SVP240 SHD250 SSV260 OKD270 WLB280 CRH290 ATV300 PHV310 GFD320 LAX330
SBK MPC200 SVP210 SHD220 SSV230 OKD240 WLB250 CRH260 ATV270 PHV280 GFD290
MPC SVP210 SHD220 SSV230 OKD240 WLB250 CRH260 ATV270 PHV280 GFD290
SVP SHD230 SSV240 OKD250 WLB260 CRH270 ATV280 PHV290 GFD300
SHD SSV220 OKD230 WLB240 CRH250 ATV260 PHV270 GFD280
SSV OKD240 WLB250 CRH260 ATV270 PHV280 GFD290
OKD WLB230 CRH240 ATV250 PHV260 GFD270 LAX220
WLB CRH250 ATV260 PHV270 GFD280
CRH ATV240 PHV250 GFD260 SFO270 RMS280 HKG290 JFK300
ATV PHV230 GFD240
PHV GFD220
LHR CDG100
"""
_CLASSES = {"economy": 1, "business": 2, "first": 5}
_CURRENCIES = "RMB EUR JPY GBP CAD AUD INR RUB BRL MXN"
_DOLLAR = dict(zip(_CURRENCIES.split(), (7, 0.8, 110, 0.7, 1.3, 1.4, 70, 60, 3.8, 20), strict=True))
_TOKEN = ("access_token", "token_type", "token_expires_in", "token_scope")
_SIMPLE = (*_TOKEN, "user_first_name", "user_last_name", "budget_limit")


class TravelAPI:
    def __init__(self, config: Result) -> None:
        self._chance = random.Random(config.get("random_seed", _SEED))  # noqa: S311 - a story, no secret
        self._cards: dict[str, Result] = config.get("credit_card_list", {})
        self._bookings: dict[str, Result] = config.get("booking_record", {})
        self._now: Result = {name: config.get(name) for name in _SIMPLE}

    def state(self) -> Result:
        return {"credit_card_list": self._cards, "booking_record": self._bookings, **self._now}

    def authenticate_travel(
        self,
        client_id: str,
        client_secret: str,
        refresh_token: str,
        grant_type: str,
        user_first_name: str,
        user_last_name: str,
    ) -> Result:
        token = self._number(100_000, 999_999)
        self._now |= {"access_token": token, "token_type": "Bearer", "token_expires_in": 2, "token_scope": grant_type}
        self._now |= {"user_first_name": user_first_name, "user_last_name": user_last_name}
        return {"expires_in": 2, "access_token": token, "token_type": "Bearer", "scope": grant_type}

    def travel_get_login_status(self) -> Result:
        return {"status": bool(self._now["token_expires_in"])}

    def get_budget_fiscal_year(
        self,
        lastModifiedAfter: str | None = None,  # noqa: N803
        includeRemoved: str | None = None,  # noqa: N803
    ) -> Result:
        return {"budget_fiscal_year": "2018"}

    def register_credit_card(
        self,
        access_token: str,
        card_number: str,
        expiration_date: str,
        cardholder_name: str,
        card_verification_number: int,
    ) -> Result:
        if self._now["token_expires_in"] is None:
            raise ValueError("authenticate first")
        self._check(access_token)
        if card_number in self._cards:
            raise ValueError("the card is registered already")
        card_id = self._number(100_000_000_000, 999_999_999_999)
        self._cards[card_id] = {
            "card_number": card_number,
            "expiration_date": expiration_date,
            "cardholder_name": cardholder_name,
            "card_verification_number": card_verification_number,
            "balance": self._chance.randint(10_000, 99_999),
        }
        return {"card_id": card_id}

    def get_all_credit_cards(self) -> Result:
        return {"credit_card_list": self._cards}

    def get_credit_card_balance(self, access_token: str, card_id: str) -> Result:
        self._check(access_token)
        return {"card_balance": self._card(card_id)["balance"]}

    def get_flight_cost(self, travel_from: str, travel_to: str, travel_date: str, travel_class: str) -> Result:
        """Twice the fare on days whose digits have an even sum."""
        if travel_class not in _CLASSES:
            raise ValueError(f"the class is one of {', '.join(_CLASSES)}")
        fare = _fares().get((travel_from, travel_to))
        if fare is None:
            raise ValueError("there is no route between these airports")
        even = sum(int(character) for character in travel_date if character.isdigit()) % 2 == 0
        return {"travel_cost_list": [float(fare * _CLASSES[travel_class] * (2 if even else 1))]}

    def book_flight(
        self,
        access_token: str,
        card_id: str,
        travel_date: str,
        travel_from: str,
        travel_to: str,
        travel_class: str,
        travel_cost: float | None = None,
    ) -> Result:
        """``travel_cost`` is what the customer was told, and books whatever else is said; without it the fare is
        looked up."""
        self._check(access_token)
        card = self._card(card_id)
        if travel_cost is None:
            _day(travel_date)
            travel_cost = self.get_flight_cost(travel_from, travel_to, travel_date, travel_class)["travel_cost_list"][0]
        if card["balance"] < travel_cost:
            raise ValueError("the card's balance does not suffice")
        if self._now["budget_limit"] is not None and card["balance"] < self._now["budget_limit"]:
            raise ValueError("the card's balance is below the budget limit")
        card["balance"] -= travel_cost
        booking, transaction = self._number(1_000_000, 9_999_999), self._number(10_000_000, 99_999_999)
        self._bookings[booking] = {
            "card_id": card_id,
            "travel_date": travel_date,
            "travel_from": travel_from,
            "travel_to": travel_to,
            "travel_class": travel_class,
            "travel_cost": float(travel_cost),
            "transaction_id": transaction,
        }
        return {"booking_id": booking, "transaction_id": transaction, "booking_status": True, "booking_history": {}}

    def retrieve_invoice(
        self, access_token: str, booking_id: str | None = None, insurance_id: str | None = None
    ) -> Result:
        self._check(access_token)
        booking = self._booking(booking_id)
        return {"invoice": {"booking_id": booking_id, **{key: booking[key] for key in booking if key != "card_id"}}}

    def get_booking_history(self, access_token: str) -> Result:
        self._check(access_token)
        return {"booking_history": self._bookings}

    def cancel_booking(self, access_token: str, booking_id: str) -> Result:
        self._check(access_token)
        booking = self._booking(booking_id)
        self._card(booking["card_id"])["balance"] += booking["travel_cost"]
        del self._bookings[booking_id]
        return {"cancel_status": True}

    def compute_exchange_rate(self, base_currency: str, target_currency: str, value: float) -> Result:
        if base_currency == "USD" and target_currency in _DOLLAR:
            return {"exchanged_value": float(value * _DOLLAR[target_currency])}
        if target_currency == "USD" and base_currency in _DOLLAR:
            return {"exchanged_value": round(value / _DOLLAR[base_currency], 2)}
        raise ValueError("there is no rate between these currencies")

    def list_all_airports(self) -> Result:
        return {"airports": list(_AIRPORTS.values())}

    def get_nearest_airport_by_city(self, location: str) -> Result:
        return {"nearest_airport": _AIRPORTS.get(location, "Unknown")}

    def verify_traveler_information(
        self, first_name: str, last_name: str, date_of_birth: str, passport_number: str
    ) -> Result:
        failure = ""
        if (first_name, last_name) != (self._now["user_first_name"], self._now["user_last_name"]):
            failure = "The names are not those of the user."
        elif (age := _age(date_of_birth)) is None:
            failure = "The date of birth must be written as YYYY-MM-DD."
        elif age < _FULL_AGE:
            failure = f"The traveler must be at least {_FULL_AGE} years old."
        elif not passport_number.startswith("US"):
            failure = "The passport must be of the United States."
        return {"verification_status": not failure, **({"verification_failure": failure} if failure else {})}

    def set_budget_limit(self, access_token: str, budget_limit: float) -> Result:
        self._check(access_token)
        self._now["budget_limit"] = float(budget_limit)
        return {"budget_limit": float(budget_limit)}

    def purchase_insurance(
        self, access_token: str, insurance_type: str, booking_id: str, insurance_cost: float, card_id: str
    ) -> Result:
        self._check(access_token)
        if self._now["budget_limit"] is not None and self._now["budget_limit"] < insurance_cost:
            raise ValueError("the cost is above the budget limit")
        self._booking(booking_id)
        self._card(card_id)["balance"] -= insurance_cost
        return {"insurance_id": self._number(100_000_000, 999_999_999), "insurance_status": True}

    def contact_customer_support(self, booking_id: str, message: str) -> Result:
        self._booking(booking_id)
        return {"customer_support_message": f"Thank you, this has arrived, and we will be in touch: {message}"}

    def _number(self, lowest: int, highest: int) -> str:
        return str(self._chance.randint(lowest, highest))

    def _check(self, access_token: str) -> None:
        """A wrong token costs one of the uses that the right one has left."""
        if (left := self._now["token_expires_in"]) == 0:
            raise ValueError("the token has expired")
        if access_token != self._now["access_token"]:
            self._now["token_expires_in"] = None if left is None else left - 1
            raise ValueError("the access token is not valid")

    def _card(self, card_id: str) -> Result:
        if card_id not in self._cards:
            raise ValueError(f"there is no card {card_id!r}; there are {', '.join(self._cards) or 'none'}")
        return self._cards[card_id]

    def _booking(self, booking_id: str | None) -> Result:
        if booking_id not in self._bookings:
            raise ValueError(f"there is no booking {booking_id!r}")
        return self._bookings[booking_id]


def _day(text: str) -> date:
    return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007


def _age(date_of_birth: str) -> int | None:
    try:
        born = _day(date_of_birth)
    except ValueError:
        return None
    return _TODAY.year - born.year - ((_TODAY.month, _TODAY.day) < (born.month, born.day))


def _fares() -> dict[tuple[str, str], int]:
    rows = [line.split() for line in _FARES.split("\n") if line]
    return {(row[0], cell[:3]): int(cell[3:]) for row in rows for cell in row[1:]}
