"""What the routes of imports and of exports share: finding, listing and ending a job of the caller's."""

from aiohttp import web

from checkout.access.access import Permit
from checkout.bulk.model import Job, Kind, document
from checkout.bulk.store import BulkStore
from checkout.errors import Conflict, Invalid, NotFound
from checkout.kit import page as pages
from checkout.kit.answer import answer
from checkout.kit.ids import parse_uuid
from checkout.kit.routes import Handler


class Jobs:
    """The jobs of one kind, as callers may see them."""

    def __init__(self, store: BulkStore, kind: Kind, permit: Permit) -> None:
        self._store = store
        self._kind = kind
        self._permit = permit

    async def found(self, request: web.Request, permission: str) -> Job:
        """The job that the path names. Raises: NotFound, also for somebody else's."""
        grant = await self._permit(request, permission)
        job_id = parse_uuid(request.match_info["id"])
        job = await self._store.get(job_id) if job_id else None
        if job is None or job.kind != self._kind or (grant.owner is not None and job.owner_id != grant.owner):
            raise NotFound(f"There is no such {self._kind}.")
        return job

    def listing(self, permission: str) -> Handler:
        """The handler of a list."""

        async def listing(request: web.Request) -> web.Response:
            grant = await self._permit(request, permission)
            most = pages.limit_of(request)
            key = pages.cursor_of(request, str)
            before = parse_uuid(key[0]) if key else None
            if key and before is None:
                raise Invalid("cursor: take it from next_cursor", field="cursor")
            rows, last = pages.split(await self._store.page(self._kind, before, grant.owner, most + 1), most)
            cursor = pages.cursor(str(last.id)) if last else None
            return answer({"items": [document(job) for job in rows], "next_cursor": cursor})

        return listing

    def reading(self, permission: str) -> Handler:
        """The handler of one job."""

        async def reading(request: web.Request) -> web.Response:
            return answer(document(await self.found(request, permission)))

        return reading

    def cancelling(self, permission: str) -> Handler:
        """The handler that ends one."""

        async def cancelling(request: web.Request) -> web.Response:
            job = await self.found(request, permission)
            grant = await self._permit(request, permission)
            if not await self._store.cancel(job.id, actor=grant.actor):
                raise Conflict(f"The {job.kind} is over already.", code="job_over")
            return answer(document(await self._store.known(job.id)))

        return cancelling
