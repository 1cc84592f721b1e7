"""DICOM Upper Layer, DIMSE and services; knows nothing of `pool`.

The names that scripts begin with, `from ul import AE, evt, ...`, are imported when they are asked for: whoever needs a
part of `ul` does not pay for the rest.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

# Where each name lives; "" is the module itself.
_HOMES: Final = {
    "AE": "ae.ApplicationEntity",
    "Association": "association.Association",
    "evt": "evt",
    "sop_class": "sop_class",
    "_config": "_config",
    "status": "status",
    "debug_logger": "debug.debug_logger",
    "register_uid": "sop_class.register_uid",
    "IMPLEMENTATION_CLASS_UID": "acse.IMPLEMENTATION_CLASS_UID",
    "IMPLEMENTATION_VERSION_NAME": "acse.IMPLEMENTATION_VERSION_NAME",
    "PYNETDICOM_IMPLEMENTATION_UID": "acse.IMPLEMENTATION_CLASS_UID",  # as scripts know them
    "PYNETDICOM_IMPLEMENTATION_VERSION": "acse.IMPLEMENTATION_VERSION_NAME",
    **{
        name: f"presentation.{name}"
        for name in (
            "build_context",
            "build_role",
            "PresentationContext",
            "ALL_TRANSFER_SYNTAXES",
            "DEFAULT_TRANSFER_SYNTAXES",
            "AllStoragePresentationContexts",
            "ApplicationEventLoggingPresentationContexts",
            "BasicWorklistManagementPresentationContexts",
            "ColorPalettePresentationContexts",
            "DefinedProcedureProtocolPresentationContexts",
            "DisplaySystemPresentationContexts",
            "HangingProtocolPresentationContexts",
            "ImplantTemplatePresentationContexts",
            "InstanceAvailabilityPresentationContexts",
            "MediaCreationManagementPresentationContexts",
            "MediaStoragePresentationContexts",
            "ModalityPerformedPresentationContexts",
            "NonPatientObjectPresentationContexts",
            "PrintManagementPresentationContexts",
            "ProcedureStepPresentationContexts",
            "ProtocolApprovalPresentationContexts",
            "QueryRetrievePresentationContexts",
            "RelevantPatientInformationPresentationContexts",
            "RTMachineVerificationPresentationContexts",
            "StoragePresentationContexts",
            "StorageCommitmentPresentationContexts",
            "SubstanceAdministrationPresentationContexts",
            "UnifiedProcedurePresentationContexts",
            "VerificationPresentationContexts",
        )
    },
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, member = _HOMES[name].partition(".")
    home = import_module(f"{__name__}.{module}")
    found = globals()[name] = getattr(home, member) if member else home
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
