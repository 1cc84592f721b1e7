"""UID: a UID as str that knows what PS3.6 says of it.

Belongs here: the type and the registry of the UIDs that have a name. The standard's rows are in `ul.sop_class`. What is
received stays plain str: a UID is made of it only where somebody wants to know its name.
"""

from __future__ import annotations

from typing import Any, ClassVar


class UID(str):
    """A UID. Equal to, hashed and sent as the plain str; of an unknown one the name is the UID itself.

    `keyword`, `name`, `type` and `is_retired` are PS3.6's; `service_class` is the service (PS3.4) that a SOP class
    belongs to, by its name, "" for none. Everything else that pydicom's UID can tell (`is_compressed`,
    `is_implicit_VR`, ...) is asked of pydicom.
    """

    __slots__ = ("is_retired", "keyword", "name", "service_class", "type")

    keyword: str
    name: str
    type: str
    service_class: str
    is_retired: bool

    registered: ClassVar[dict[str, UID]] = {}

    def __new__(cls, uid: str) -> UID:
        """The registered UID, or one without a name."""
        known = cls.registered.get(uid)
        return known if known is not None else cls._row(uid, "", str(uid), "", "", False)

    @classmethod
    def _row(cls, uid: str, keyword: str, name: str, type: str, service_class: str, is_retired: bool) -> UID:
        self = super().__new__(cls, uid)
        self.keyword = keyword
        self.name = name
        self.type = type
        self.service_class = service_class
        self.is_retired = is_retired
        return self

    @classmethod
    def register(
        cls, uid: str, keyword: str, name: str, type: str, service_class: str = "", *, is_retired: bool = False
    ) -> UID:
        """Make `uid` known. Whoever asks for it later gets this one."""
        row = cls._row(uid, keyword, name, type, service_class, is_retired)
        cls.registered[str(uid)] = row
        return row

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_"):  # what copy and pickle look for is not pydicom's either
            raise AttributeError(attribute)
        import pydicom.uid

        return getattr(pydicom.uid.UID(self), attribute)

    def __reduce__(self) -> tuple[Any, ...]:
        return UID, (str(self),)
