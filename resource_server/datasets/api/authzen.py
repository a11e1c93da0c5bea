"""OpenID AuthZEN Authorization API 1.0: evaluation, evaluations, and the configuration document."""

from typing import Any, Literal

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, Field
from werkzeug.exceptions import BadRequest

from resource_server.datasets.api.incoming import Subject, body
from resource_server.datasets.explanation import Answer, Question, evaluate
from resource_server.datasets.service import current_service
from resource_server.guard import current_principal

blueprint = Blueprint("authzen", __name__)

MOST = 200  # questions in one request


class Part(BaseModel, strict=True, extra="ignore"):
    """An object of the specification; `properties` and what else it carries is not believed."""


class AuthzenSubject(Part):
    """Whom the question is about."""

    type: Literal["user", "client"]
    id: Subject


class AuthzenResource(Part):
    """What the question is about."""

    type: Literal["dataset"]
    id: Subject


class AuthzenAction(Part):
    """What they would do."""

    name: Literal["read", "modify", "share", "delete"]


class Evaluation(Part):
    """One question, or, in `evaluations`, what questions share."""

    subject: AuthzenSubject | None = None
    resource: AuthzenResource | None = None
    action: AuthzenAction | None = None

    def question(self, defaults: "Evaluation") -> Question:
        """The whole question; what is not said here is said by the defaults (AuthZEN §7.1.1)."""
        subject = self.subject or defaults.subject
        resource = self.resource or defaults.resource
        action = self.action or defaults.action
        if subject is None or resource is None or action is None:
            raise BadRequest("subject, resource and action are needed")
        return Question(subject.id, action.name, resource.id)


class Options(Part):
    """How many of the questions are answered (AuthZEN §7.1.2)."""

    evaluations_semantic: Literal["execute_all", "deny_on_first_deny", "permit_on_first_permit"] = "execute_all"


class Evaluations(Evaluation):
    """Several questions; without `evaluations` it is one."""

    evaluations: list[Evaluation] = Field(default=[], max_length=MOST)
    options: Options = Options()


@blueprint.post("/access/v1/evaluation")
def evaluation() -> ResponseReturnValue:
    """One question, one decision."""
    who, asked = current_principal(), body(Evaluation)
    (answer,) = evaluate(current_service(), who, [asked.question(asked)])
    if answer.refused is not None:
        raise answer.refused
    return _echo(jsonify(_decision(answer)))


@blueprint.post("/access/v1/evaluations")
def evaluations() -> ResponseReturnValue:
    """Several questions, each with its decision, in order; one that the caller may not ask is denied."""
    who, asked = current_principal(), body(Evaluations)
    if not asked.evaluations:
        return evaluation()
    answers = evaluate(current_service(), who, [item.question(asked) for item in asked.evaluations])
    return _echo(jsonify(evaluations=[_decision(answer) for answer in _enough(answers, asked.options)]))


@blueprint.get("/.well-known/authzen-configuration")
def configuration() -> ResponseReturnValue:
    """AuthZEN §9: where the endpoints are."""
    url = current_service().settings.public_url
    return jsonify(
        policy_decision_point=url,
        access_evaluation_endpoint=f"{url}/access/v1/evaluation",
        access_evaluations_endpoint=f"{url}/access/v1/evaluations",
    )


def _decision(answer: Answer) -> dict[str, Any]:
    context: dict[str, Any] = {} if answer.reason is None else {"reason": answer.reason}
    if answer.refused is not None:
        context["error"] = {"status": 403, "message": "you may not ask this"}
    return {"decision": answer.decision, "context": context}


def _enough(answers: list[Answer], options: Options) -> list[Answer]:
    stop = {"deny_on_first_deny": False, "permit_on_first_permit": True}.get(options.evaluations_semantic)
    for position, answer in enumerate(answers):
        if answer.decision is stop:
            return answers[: position + 1]
    return answers


def _echo(answer: Response) -> Response:
    """AuthZEN §10.1.3: the request's id comes back."""
    if (request_id := request.headers.get("X-Request-ID")) is not None:
        answer.headers["X-Request-ID"] = request_id
    return answer
