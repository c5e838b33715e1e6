"""Portfolios and their owners."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from assetmix.api.dialects.investsuite.schemas.common import (
    Currency,
    ExternalId,
    GoalId,
    HorizonId,
    Moment,
    Name,
    Number,
    PolicyId,
    RiskProfileId,
    Shared,
    Strict,
    UserId,
)
from assetmix.codec.documents import Codec

Manager: TypeAlias = Literal["USER_MANAGED", "ROBO_ADVISOR_ADVISORY", "ROBO_ADVISOR_DISCRETIONARY"]
Status: TypeAlias = Literal["WAITING_FOR_POLICY", "WAITING_FOR_ACCOUNT", "WAITING_FOR_FUNDS", "ACTIVE", "INACTIVE"]
Amount: TypeAlias = Annotated[float, Field(ge=0)]
Holdings: TypeAlias = dict[Annotated[str, Field(min_length=1, max_length=128)], float]


class ManagerSettings(Strict):
    """What the manager of a portfolio is told; absent ones stay as they are in a change."""

    policy_id: PolicyId | None = None
    goal_id: GoalId | None = None
    horizon_id: HorizonId | None = None
    risk_profile_id: RiskProfileId | None = None
    proposed_risk_profile_id: RiskProfileId | None = None
    risk_profile_score: float | None = None
    suitability_profile_id: str | None = None
    divest_amount: Amount | None = None
    start_amount: Amount | None = None
    recurring_deposit_amount: Amount | None = None
    end_datetime: Moment | None = None
    active: bool = True
    tags: list[str] = Field(default_factory=list)
    optimization_cooldown_end: Moment | None = None
    commission_profile: str | None = None
    broker_provider: str | None = None
    background_image: str | None = None
    background_color: str | None = None


class Config(Strict):
    """Who manages a portfolio, and how."""

    manager: Manager
    manager_version: Annotated[int, Field(ge=1)] = 1
    manager_settings: ManagerSettings = ManagerSettings()


ABSENT: Any = None
"""What a member is that was not sent; null itself is refused there."""


class ConfigChange(Strict):
    """A change of the settings; the manager itself is written once."""

    manager: Manager = ABSENT
    manager_version: Annotated[int, Field(ge=1)] = ABSENT
    manager_settings: ManagerSettings = ManagerSettings()


class ManagerChange(Strict):
    """The same change as one of the documents' samples nests it."""

    manager_settings: ManagerSettings


class BrokerageAccount(Strict):
    """The account at the broker."""

    brokerage_portfolio_id: str | None = None
    brokerage_user_id: str | None = None
    bank_account_type: Literal["ABA", "IBAN"] | None = None
    bank_account_number: Annotated[str, Field(max_length=64)] | None = None
    bank_id: Annotated[str, Field(max_length=64)] | None = None
    payment_reference: Annotated[str, Field(max_length=64)] | None = None


class PortfolioBody(Shared):
    """A portfolio as it is created."""

    name: Name
    owned_by_user_id: UserId
    owned_by_user_ids: list[UserId] = Field(default_factory=list)
    base_currency: Currency
    money_type: Literal["REAL_MONEY", "PAPER_MONEY"]
    config: Config
    portfolio: Holdings = Field(default_factory=dict)
    brokerage_account: BrokerageAccount | None = None
    snapshot_datetime: Moment | None = None
    funded_since: Moment | None = None
    start_datetime: Moment | None = None
    archived: bool = False


class PortfolioChange(Shared):
    """A change: what is absent stays, `portfolio` is replaced as a whole, settings one by one."""

    name: Name = ABSENT
    owned_by_user_id: UserId = ABSENT
    owned_by_user_ids: list[UserId] = ABSENT
    base_currency: Currency = ABSENT
    money_type: Literal["REAL_MONEY", "PAPER_MONEY"] = ABSENT
    config: ConfigChange = ABSENT
    manager: ManagerChange = ABSENT
    portfolio: Holdings = ABSENT
    brokerage_account: BrokerageAccount | None = None
    snapshot_datetime: Moment | None = None
    funded_since: Moment | None = None
    start_datetime: Moment | None = None
    archived: bool = ABSENT


class UserBody(Shared):
    """A user, the owner of portfolios; only names and the external id matter here."""

    first_name: Name | None = None
    last_name: Name | None = None
    email: Annotated[str, Field(max_length=320)] | None = None
    phone: Annotated[str, Field(max_length=32)] | None = None
    counter_account: dict[str, str | None] | None = None
    brokerage_user_id: str | None = None
    idp_user_id: str | None = None
    language: Annotated[str, Field(max_length=35)] | None = None
    status: Annotated[str, Field(max_length=64)] = "WAITING_FOR_VERIFICATION"


class CashEventData(Strict):
    """Money that has come in or gone out."""

    amount: Annotated[Number, Field(gt=0)]
    currency: Currency
    portfolio: ExternalId


class CashEventBody(Strict):
    """A deposit or a withdrawal that has taken place."""

    data: CashEventData


PORTFOLIO: Codec[PortfolioBody] = Codec(PortfolioBody)
PORTFOLIO_CHANGE: Codec[PortfolioChange] = Codec(PortfolioChange)
USER: Codec[UserBody] = Codec(UserBody)
CASH_EVENT: Codec[CashEventBody] = Codec(CashEventBody)
