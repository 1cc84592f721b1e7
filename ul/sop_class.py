"""UIDs of SOP classes, well-known SOP instances and transfer syntaxes, by the keywords of PS3.6 and by older names.

Written by scripts/make_tables.py from pydicom 3.0.2: change the script, not this file. No I/O, no
import of pydicom: whoever speaks DICOM at all imports this.
"""
# fmt: off
# ruff: noqa: E501

from keyword import iskeyword
from typing import Final

from ul.uid import UID

SOPClass = UID

# Service classes (PS3.4)
VERIFICATION: Final = "Verification"
MEDIA_STORAGE: Final = "Media Storage"
NON_PATIENT_OBJECT_STORAGE: Final = "Non-Patient Object Storage"
STORAGE: Final = "Storage"
QUERY_RETRIEVE: Final = "Query/Retrieve"
PROCEDURE_STEP: Final = "Procedure Step"
PRINT_MANAGEMENT: Final = "Print Management"
STORAGE_COMMITMENT: Final = "Storage Commitment"
BASIC_WORKLIST_MANAGEMENT: Final = "Basic Worklist Management"
GENERAL_PURPOSE_WORKLIST_MANAGEMENT: Final = "General Purpose Worklist Management"
APPLICATION_EVENT_LOGGING: Final = "Application Event Logging"
RELEVANT_PATIENT_INFORMATION_QUERY: Final = "Relevant Patient Information Query"
INSTANCE_AVAILABILITY_NOTIFICATION: Final = "Instance Availability Notification"
MEDIA_CREATION_MANAGEMENT: Final = "Media Creation Management"
HANGING_PROTOCOL_QUERY_RETRIEVE: Final = "Hanging Protocol Query/Retrieve"
SUBSTANCE_ADMINISTRATION_QUERY: Final = "Substance Administration Query"
COLOR_PALETTE_QUERY_RETRIEVE: Final = "Color Palette Query/Retrieve"
IMPLANT_TEMPLATE_QUERY_RETRIEVE: Final = "Implant Template Query/Retrieve"
UNIFIED_PROCEDURE_STEP: Final = "Unified Procedure Step"
RT_MACHINE_VERIFICATION: Final = "RT Machine Verification"
DISPLAY_SYSTEM_MANAGEMENT: Final = "Display System Management"
DEFINED_PROCEDURE_PROTOCOL_QUERY_RETRIEVE: Final = "Defined Procedure Protocol Query/Retrieve"
PROTOCOL_APPROVAL_QUERY_RETRIEVE: Final = "Protocol Approval Query/Retrieve"
INVENTORY_QUERY_RETRIEVE: Final = "Inventory Query/Retrieve"
STORAGE_MANAGEMENT: Final = "Storage Management"
DETACHED_MANAGEMENT: Final = "Patient, Study and Results Management"

# SOP classes (PS3.4)
Verification: Final = UID.register("1.2.840.10008.1.1", "Verification", "Verification SOP Class", "SOP Class", VERIFICATION)
MediaStorageDirectoryStorage: Final = UID.register("1.2.840.10008.1.3.10", "MediaStorageDirectoryStorage", "Media Storage Directory Storage", "SOP Class", MEDIA_STORAGE)
BasicStudyContentNotification: Final = UID.register("1.2.840.10008.1.9", "BasicStudyContentNotification", "Basic Study Content Notification SOP Class", "SOP Class", DETACHED_MANAGEMENT, is_retired=True)
StorageCommitmentPushModel: Final = UID.register("1.2.840.10008.1.20.1", "StorageCommitmentPushModel", "Storage Commitment Push Model SOP Class", "SOP Class", STORAGE_COMMITMENT)
StorageCommitmentPullModel: Final = UID.register("1.2.840.10008.1.20.2", "StorageCommitmentPullModel", "Storage Commitment Pull Model SOP Class", "SOP Class", STORAGE_COMMITMENT, is_retired=True)
ProceduralEventLogging: Final = UID.register("1.2.840.10008.1.40", "ProceduralEventLogging", "Procedural Event Logging SOP Class", "SOP Class", APPLICATION_EVENT_LOGGING)
SubstanceAdministrationLogging: Final = UID.register("1.2.840.10008.1.42", "SubstanceAdministrationLogging", "Substance Administration Logging SOP Class", "SOP Class", APPLICATION_EVENT_LOGGING)
DetachedPatientManagement: Final = UID.register("1.2.840.10008.3.1.2.1.1", "DetachedPatientManagement", "Detached Patient Management SOP Class", "SOP Class", DETACHED_MANAGEMENT, is_retired=True)
DetachedPatientManagementMeta: Final = UID.register("1.2.840.10008.3.1.2.1.4", "DetachedPatientManagementMeta", "Detached Patient Management Meta SOP Class", "Meta SOP Class", DETACHED_MANAGEMENT, is_retired=True)
DetachedVisitManagement: Final = UID.register("1.2.840.10008.3.1.2.2.1", "DetachedVisitManagement", "Detached Visit Management SOP Class", "SOP Class", DETACHED_MANAGEMENT, is_retired=True)
DetachedStudyManagement: Final = UID.register("1.2.840.10008.3.1.2.3.1", "DetachedStudyManagement", "Detached Study Management SOP Class", "SOP Class", DETACHED_MANAGEMENT, is_retired=True)
StudyComponentManagement: Final = UID.register("1.2.840.10008.3.1.2.3.2", "StudyComponentManagement", "Study Component Management SOP Class", "SOP Class", DETACHED_MANAGEMENT, is_retired=True)
ModalityPerformedProcedureStep: Final = UID.register("1.2.840.10008.3.1.2.3.3", "ModalityPerformedProcedureStep", "Modality Performed Procedure Step SOP Class", "SOP Class", PROCEDURE_STEP)
ModalityPerformedProcedureStepRetrieve: Final = UID.register("1.2.840.10008.3.1.2.3.4", "ModalityPerformedProcedureStepRetrieve", "Modality Performed Procedure Step Retrieve SOP Class", "SOP Class", PROCEDURE_STEP)
ModalityPerformedProcedureStepNotification: Final = UID.register("1.2.840.10008.3.1.2.3.5", "ModalityPerformedProcedureStepNotification", "Modality Performed Procedure Step Notification SOP Class", "SOP Class", PROCEDURE_STEP)
DetachedResultsManagement: Final = UID.register("1.2.840.10008.3.1.2.5.1", "DetachedResultsManagement", "Detached Results Management SOP Class", "SOP Class", DETACHED_MANAGEMENT, is_retired=True)
DetachedResultsManagementMeta: Final = UID.register("1.2.840.10008.3.1.2.5.4", "DetachedResultsManagementMeta", "Detached Results Management Meta SOP Class", "Meta SOP Class", DETACHED_MANAGEMENT, is_retired=True)
DetachedStudyManagementMeta: Final = UID.register("1.2.840.10008.3.1.2.5.5", "DetachedStudyManagementMeta", "Detached Study Management Meta SOP Class", "Meta SOP Class", DETACHED_MANAGEMENT, is_retired=True)
DetachedInterpretationManagement: Final = UID.register("1.2.840.10008.3.1.2.6.1", "DetachedInterpretationManagement", "Detached Interpretation Management SOP Class", "SOP Class", DETACHED_MANAGEMENT, is_retired=True)
BasicFilmSession: Final = UID.register("1.2.840.10008.5.1.1.1", "BasicFilmSession", "Basic Film Session SOP Class", "SOP Class", PRINT_MANAGEMENT)
BasicFilmBox: Final = UID.register("1.2.840.10008.5.1.1.2", "BasicFilmBox", "Basic Film Box SOP Class", "SOP Class", PRINT_MANAGEMENT)
BasicGrayscaleImageBox: Final = UID.register("1.2.840.10008.5.1.1.4", "BasicGrayscaleImageBox", "Basic Grayscale Image Box SOP Class", "SOP Class", PRINT_MANAGEMENT)
BasicColorImageBox: Final = UID.register("1.2.840.10008.5.1.1.4.1", "BasicColorImageBox", "Basic Color Image Box SOP Class", "SOP Class", PRINT_MANAGEMENT)
ReferencedImageBox: Final = UID.register("1.2.840.10008.5.1.1.4.2", "ReferencedImageBox", "Referenced Image Box SOP Class", "SOP Class", PRINT_MANAGEMENT, is_retired=True)
BasicGrayscalePrintManagementMeta: Final = UID.register("1.2.840.10008.5.1.1.9", "BasicGrayscalePrintManagementMeta", "Basic Grayscale Print Management Meta SOP Class", "Meta SOP Class", PRINT_MANAGEMENT)
ReferencedGrayscalePrintManagementMeta: Final = UID.register("1.2.840.10008.5.1.1.9.1", "ReferencedGrayscalePrintManagementMeta", "Referenced Grayscale Print Management Meta SOP Class", "Meta SOP Class", PRINT_MANAGEMENT, is_retired=True)
PrintJob: Final = UID.register("1.2.840.10008.5.1.1.14", "PrintJob", "Print Job SOP Class", "SOP Class", PRINT_MANAGEMENT)
BasicAnnotationBox: Final = UID.register("1.2.840.10008.5.1.1.15", "BasicAnnotationBox", "Basic Annotation Box SOP Class", "SOP Class", PRINT_MANAGEMENT)
Printer: Final = UID.register("1.2.840.10008.5.1.1.16", "Printer", "Printer SOP Class", "SOP Class", PRINT_MANAGEMENT)
PrinterConfigurationRetrieval: Final = UID.register("1.2.840.10008.5.1.1.16.376", "PrinterConfigurationRetrieval", "Printer Configuration Retrieval SOP Class", "SOP Class", PRINT_MANAGEMENT)
BasicColorPrintManagementMeta: Final = UID.register("1.2.840.10008.5.1.1.18", "BasicColorPrintManagementMeta", "Basic Color Print Management Meta SOP Class", "Meta SOP Class", PRINT_MANAGEMENT)
ReferencedColorPrintManagementMeta: Final = UID.register("1.2.840.10008.5.1.1.18.1", "ReferencedColorPrintManagementMeta", "Referenced Color Print Management Meta SOP Class", "Meta SOP Class", PRINT_MANAGEMENT, is_retired=True)
VOILUTBox: Final = UID.register("1.2.840.10008.5.1.1.22", "VOILUTBox", "VOI LUT Box SOP Class", "SOP Class", PRINT_MANAGEMENT)
PresentationLUT: Final = UID.register("1.2.840.10008.5.1.1.23", "PresentationLUT", "Presentation LUT SOP Class", "SOP Class", PRINT_MANAGEMENT)
ImageOverlayBox: Final = UID.register("1.2.840.10008.5.1.1.24", "ImageOverlayBox", "Image Overlay Box SOP Class", "SOP Class", PRINT_MANAGEMENT, is_retired=True)
BasicPrintImageOverlayBox: Final = UID.register("1.2.840.10008.5.1.1.24.1", "BasicPrintImageOverlayBox", "Basic Print Image Overlay Box SOP Class", "SOP Class", PRINT_MANAGEMENT, is_retired=True)
PrintQueueManagement: Final = UID.register("1.2.840.10008.5.1.1.26", "PrintQueueManagement", "Print Queue Management SOP Class", "SOP Class", PRINT_MANAGEMENT, is_retired=True)
StoredPrintStorage: Final = UID.register("1.2.840.10008.5.1.1.27", "StoredPrintStorage", "Stored Print Storage SOP Class", "SOP Class", STORAGE, is_retired=True)
HardcopyGrayscaleImageStorage: Final = UID.register("1.2.840.10008.5.1.1.29", "HardcopyGrayscaleImageStorage", "Hardcopy Grayscale Image Storage SOP Class", "SOP Class", STORAGE, is_retired=True)
HardcopyColorImageStorage: Final = UID.register("1.2.840.10008.5.1.1.30", "HardcopyColorImageStorage", "Hardcopy Color Image Storage SOP Class", "SOP Class", STORAGE, is_retired=True)
PullPrintRequest: Final = UID.register("1.2.840.10008.5.1.1.31", "PullPrintRequest", "Pull Print Request SOP Class", "SOP Class", PRINT_MANAGEMENT, is_retired=True)
PullStoredPrintManagementMeta: Final = UID.register("1.2.840.10008.5.1.1.32", "PullStoredPrintManagementMeta", "Pull Stored Print Management Meta SOP Class", "Meta SOP Class", PRINT_MANAGEMENT, is_retired=True)
MediaCreationManagement: Final = UID.register("1.2.840.10008.5.1.1.33", "MediaCreationManagement", "Media Creation Management SOP Class UID", "SOP Class", MEDIA_CREATION_MANAGEMENT)
DisplaySystem: Final = UID.register("1.2.840.10008.5.1.1.40", "DisplaySystem", "Display System SOP Class", "SOP Class", DISPLAY_SYSTEM_MANAGEMENT)
ComputedRadiographyImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.1", "ComputedRadiographyImageStorage", "Computed Radiography Image Storage", "SOP Class", STORAGE)
DigitalXRayImageStorageForPresentation: Final = UID.register("1.2.840.10008.5.1.4.1.1.1.1", "DigitalXRayImageStorageForPresentation", "Digital X-Ray Image Storage - For Presentation", "SOP Class", STORAGE)
DigitalXRayImageStorageForProcessing: Final = UID.register("1.2.840.10008.5.1.4.1.1.1.1.1", "DigitalXRayImageStorageForProcessing", "Digital X-Ray Image Storage - For Processing", "SOP Class", STORAGE)
DigitalMammographyXRayImageStorageForPresentation: Final = UID.register("1.2.840.10008.5.1.4.1.1.1.2", "DigitalMammographyXRayImageStorageForPresentation", "Digital Mammography X-Ray Image Storage - For Presentation", "SOP Class", STORAGE)
DigitalMammographyXRayImageStorageForProcessing: Final = UID.register("1.2.840.10008.5.1.4.1.1.1.2.1", "DigitalMammographyXRayImageStorageForProcessing", "Digital Mammography X-Ray Image Storage - For Processing", "SOP Class", STORAGE)
DigitalIntraOralXRayImageStorageForPresentation: Final = UID.register("1.2.840.10008.5.1.4.1.1.1.3", "DigitalIntraOralXRayImageStorageForPresentation", "Digital Intra-Oral X-Ray Image Storage - For Presentation", "SOP Class", STORAGE)
DigitalIntraOralXRayImageStorageForProcessing: Final = UID.register("1.2.840.10008.5.1.4.1.1.1.3.1", "DigitalIntraOralXRayImageStorageForProcessing", "Digital Intra-Oral X-Ray Image Storage - For Processing", "SOP Class", STORAGE)
CTImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.2", "CTImageStorage", "CT Image Storage", "SOP Class", STORAGE)
EnhancedCTImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.2.1", "EnhancedCTImageStorage", "Enhanced CT Image Storage", "SOP Class", STORAGE)
LegacyConvertedEnhancedCTImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.2.2", "LegacyConvertedEnhancedCTImageStorage", "Legacy Converted Enhanced CT Image Storage", "SOP Class", STORAGE)
UltrasoundMultiFrameImageStorageRetired: Final = UID.register("1.2.840.10008.5.1.4.1.1.3", "UltrasoundMultiFrameImageStorageRetired", "Ultrasound Multi-frame Image Storage", "SOP Class", STORAGE, is_retired=True)
UltrasoundMultiFrameImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.3.1", "UltrasoundMultiFrameImageStorage", "Ultrasound Multi-frame Image Storage", "SOP Class", STORAGE)
MRImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.4", "MRImageStorage", "MR Image Storage", "SOP Class", STORAGE)
EnhancedMRImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.4.1", "EnhancedMRImageStorage", "Enhanced MR Image Storage", "SOP Class", STORAGE)
MRSpectroscopyStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.4.2", "MRSpectroscopyStorage", "MR Spectroscopy Storage", "SOP Class", STORAGE)
EnhancedMRColorImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.4.3", "EnhancedMRColorImageStorage", "Enhanced MR Color Image Storage", "SOP Class", STORAGE)
LegacyConvertedEnhancedMRImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.4.4", "LegacyConvertedEnhancedMRImageStorage", "Legacy Converted Enhanced MR Image Storage", "SOP Class", STORAGE)
NuclearMedicineImageStorageRetired: Final = UID.register("1.2.840.10008.5.1.4.1.1.5", "NuclearMedicineImageStorageRetired", "Nuclear Medicine Image Storage", "SOP Class", STORAGE, is_retired=True)
UltrasoundImageStorageRetired: Final = UID.register("1.2.840.10008.5.1.4.1.1.6", "UltrasoundImageStorageRetired", "Ultrasound Image Storage", "SOP Class", STORAGE, is_retired=True)
UltrasoundImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.6.1", "UltrasoundImageStorage", "Ultrasound Image Storage", "SOP Class", STORAGE)
EnhancedUSVolumeStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.6.2", "EnhancedUSVolumeStorage", "Enhanced US Volume Storage", "SOP Class", STORAGE)
PhotoacousticImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.6.3", "PhotoacousticImageStorage", "Photoacoustic Image Storage", "SOP Class", STORAGE)
SecondaryCaptureImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.7", "SecondaryCaptureImageStorage", "Secondary Capture Image Storage", "SOP Class", STORAGE)
MultiFrameSingleBitSecondaryCaptureImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.7.1", "MultiFrameSingleBitSecondaryCaptureImageStorage", "Multi-frame Single Bit Secondary Capture Image Storage", "SOP Class", STORAGE)
MultiFrameGrayscaleByteSecondaryCaptureImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.7.2", "MultiFrameGrayscaleByteSecondaryCaptureImageStorage", "Multi-frame Grayscale Byte Secondary Capture Image Storage", "SOP Class", STORAGE)
MultiFrameGrayscaleWordSecondaryCaptureImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.7.3", "MultiFrameGrayscaleWordSecondaryCaptureImageStorage", "Multi-frame Grayscale Word Secondary Capture Image Storage", "SOP Class", STORAGE)
MultiFrameTrueColorSecondaryCaptureImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.7.4", "MultiFrameTrueColorSecondaryCaptureImageStorage", "Multi-frame True Color Secondary Capture Image Storage", "SOP Class", STORAGE)
StandaloneOverlayStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.8", "StandaloneOverlayStorage", "Standalone Overlay Storage", "SOP Class", STORAGE, is_retired=True)
StandaloneCurveStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.9", "StandaloneCurveStorage", "Standalone Curve Storage", "SOP Class", STORAGE, is_retired=True)
WaveformStorageTrial: Final = UID.register("1.2.840.10008.5.1.4.1.1.9.1", "WaveformStorageTrial", "Waveform Storage - Trial", "SOP Class", STORAGE, is_retired=True)
TwelveLeadECGWaveformStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.9.1.1", "TwelveLeadECGWaveformStorage", "12-lead ECG Waveform Storage", "SOP Class", STORAGE)
GeneralECGWaveformStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.9.1.2", "GeneralECGWaveformStorage", "General ECG Waveform Storage", "SOP Class", STORAGE)
AmbulatoryECGWaveformStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.9.1.3", "AmbulatoryECGWaveformStorage", "Ambulatory ECG Waveform Storage", "SOP Class", STORAGE)
General32bitECGWaveformStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.9.1.4", "General32bitECGWaveformStorage", "General 32-bit ECG Waveform Storage", "SOP Class", STORAGE)
HemodynamicWaveformStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.9.2.1", "HemodynamicWaveformStorage", "Hemodynamic Waveform Storage", "SOP Class", STORAGE)
CardiacElectrophysiologyWaveformStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.9.3.1", "CardiacElectrophysiologyWaveformStorage", "Cardiac Electrophysiology Waveform Storage", "SOP Class", STORAGE)
BasicVoiceAudioWaveformStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.9.4.1", "BasicVoiceAudioWaveformStorage", "Basic Voice Audio Waveform Storage", "SOP Class", STORAGE)
GeneralAudioWaveformStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.9.4.2", "GeneralAudioWaveformStorage", "General Audio Waveform Storage", "SOP Class", STORAGE)
ArterialPulseWaveformStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.9.5.1", "ArterialPulseWaveformStorage", "Arterial Pulse Waveform Storage", "SOP Class", STORAGE)
RespiratoryWaveformStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.9.6.1", "RespiratoryWaveformStorage", "Respiratory Waveform Storage", "SOP Class", STORAGE)
MultichannelRespiratoryWaveformStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.9.6.2", "MultichannelRespiratoryWaveformStorage", "Multi-channel Respiratory Waveform Storage", "SOP Class", STORAGE)
RoutineScalpElectroencephalogramWaveformStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.9.7.1", "RoutineScalpElectroencephalogramWaveformStorage", "Routine Scalp Electroencephalogram Waveform Storage", "SOP Class", STORAGE)
ElectromyogramWaveformStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.9.7.2", "ElectromyogramWaveformStorage", "Electromyogram Waveform Storage", "SOP Class", STORAGE)
ElectrooculogramWaveformStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.9.7.3", "ElectrooculogramWaveformStorage", "Electrooculogram Waveform Storage", "SOP Class", STORAGE)
SleepElectroencephalogramWaveformStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.9.7.4", "SleepElectroencephalogramWaveformStorage", "Sleep Electroencephalogram Waveform Storage", "SOP Class", STORAGE)
BodyPositionWaveformStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.9.8.1", "BodyPositionWaveformStorage", "Body Position Waveform Storage", "SOP Class", STORAGE)
WaveformPresentationStateStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.9.100.1", "WaveformPresentationStateStorage", "Waveform Presentation State Storage", "SOP Class", STORAGE)
WaveformAcquisitionPresentationStateStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.9.100.2", "WaveformAcquisitionPresentationStateStorage", "Waveform Acquisition Presentation State Storage", "SOP Class", STORAGE)
StandaloneModalityLUTStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.10", "StandaloneModalityLUTStorage", "Standalone Modality LUT Storage", "SOP Class", STORAGE, is_retired=True)
StandaloneVOILUTStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.11", "StandaloneVOILUTStorage", "Standalone VOI LUT Storage", "SOP Class", STORAGE, is_retired=True)
GrayscaleSoftcopyPresentationStateStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.11.1", "GrayscaleSoftcopyPresentationStateStorage", "Grayscale Softcopy Presentation State Storage", "SOP Class", STORAGE)
ColorSoftcopyPresentationStateStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.11.2", "ColorSoftcopyPresentationStateStorage", "Color Softcopy Presentation State Storage", "SOP Class", STORAGE)
PseudoColorSoftcopyPresentationStateStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.11.3", "PseudoColorSoftcopyPresentationStateStorage", "Pseudo-Color Softcopy Presentation State Storage", "SOP Class", STORAGE)
BlendingSoftcopyPresentationStateStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.11.4", "BlendingSoftcopyPresentationStateStorage", "Blending Softcopy Presentation State Storage", "SOP Class", STORAGE)
XAXRFGrayscaleSoftcopyPresentationStateStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.11.5", "XAXRFGrayscaleSoftcopyPresentationStateStorage", "XA/XRF Grayscale Softcopy Presentation State Storage", "SOP Class", STORAGE)
GrayscalePlanarMPRVolumetricPresentationStateStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.11.6", "GrayscalePlanarMPRVolumetricPresentationStateStorage", "Grayscale Planar MPR Volumetric Presentation State Storage", "SOP Class", STORAGE)
CompositingPlanarMPRVolumetricPresentationStateStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.11.7", "CompositingPlanarMPRVolumetricPresentationStateStorage", "Compositing Planar MPR Volumetric Presentation State Storage", "SOP Class", STORAGE)
AdvancedBlendingPresentationStateStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.11.8", "AdvancedBlendingPresentationStateStorage", "Advanced Blending Presentation State Storage", "SOP Class", STORAGE)
VolumeRenderingVolumetricPresentationStateStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.11.9", "VolumeRenderingVolumetricPresentationStateStorage", "Volume Rendering Volumetric Presentation State Storage", "SOP Class", STORAGE)
SegmentedVolumeRenderingVolumetricPresentationStateStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.11.10", "SegmentedVolumeRenderingVolumetricPresentationStateStorage", "Segmented Volume Rendering Volumetric Presentation State Storage", "SOP Class", STORAGE)
MultipleVolumeRenderingVolumetricPresentationStateStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.11.11", "MultipleVolumeRenderingVolumetricPresentationStateStorage", "Multiple Volume Rendering Volumetric Presentation State Storage", "SOP Class", STORAGE)
VariableModalityLUTSoftcopyPresentationStateStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.11.12", "VariableModalityLUTSoftcopyPresentationStateStorage", "Variable Modality LUT Softcopy Presentation State Storage", "SOP Class", STORAGE)
XRayAngiographicImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.12.1", "XRayAngiographicImageStorage", "X-Ray Angiographic Image Storage", "SOP Class", STORAGE)
EnhancedXAImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.12.1.1", "EnhancedXAImageStorage", "Enhanced XA Image Storage", "SOP Class", STORAGE)
XRayRadiofluoroscopicImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.12.2", "XRayRadiofluoroscopicImageStorage", "X-Ray Radiofluoroscopic Image Storage", "SOP Class", STORAGE)
EnhancedXRFImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.12.2.1", "EnhancedXRFImageStorage", "Enhanced XRF Image Storage", "SOP Class", STORAGE)
XRayAngiographicBiPlaneImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.12.3", "XRayAngiographicBiPlaneImageStorage", "X-Ray Angiographic Bi-Plane Image Storage", "SOP Class", STORAGE, is_retired=True)
XRay3DAngiographicImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.13.1.1", "XRay3DAngiographicImageStorage", "X-Ray 3D Angiographic Image Storage", "SOP Class", STORAGE)
XRay3DCraniofacialImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.13.1.2", "XRay3DCraniofacialImageStorage", "X-Ray 3D Craniofacial Image Storage", "SOP Class", STORAGE)
BreastTomosynthesisImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.13.1.3", "BreastTomosynthesisImageStorage", "Breast Tomosynthesis Image Storage", "SOP Class", STORAGE)
BreastProjectionXRayImageStorageForPresentation: Final = UID.register("1.2.840.10008.5.1.4.1.1.13.1.4", "BreastProjectionXRayImageStorageForPresentation", "Breast Projection X-Ray Image Storage - For Presentation", "SOP Class", STORAGE)
BreastProjectionXRayImageStorageForProcessing: Final = UID.register("1.2.840.10008.5.1.4.1.1.13.1.5", "BreastProjectionXRayImageStorageForProcessing", "Breast Projection X-Ray Image Storage - For Processing", "SOP Class", STORAGE)
IntravascularOpticalCoherenceTomographyImageStorageForPresentation: Final = UID.register("1.2.840.10008.5.1.4.1.1.14.1", "IntravascularOpticalCoherenceTomographyImageStorageForPresentation", "Intravascular Optical Coherence Tomography Image Storage - For Presentation", "SOP Class", STORAGE)
IntravascularOpticalCoherenceTomographyImageStorageForProcessing: Final = UID.register("1.2.840.10008.5.1.4.1.1.14.2", "IntravascularOpticalCoherenceTomographyImageStorageForProcessing", "Intravascular Optical Coherence Tomography Image Storage - For Processing", "SOP Class", STORAGE)
NuclearMedicineImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.20", "NuclearMedicineImageStorage", "Nuclear Medicine Image Storage", "SOP Class", STORAGE)
ParametricMapStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.30", "ParametricMapStorage", "Parametric Map Storage", "SOP Class", STORAGE)
RawDataStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.66", "RawDataStorage", "Raw Data Storage", "SOP Class", STORAGE)
SpatialRegistrationStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.66.1", "SpatialRegistrationStorage", "Spatial Registration Storage", "SOP Class", STORAGE)
SpatialFiducialsStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.66.2", "SpatialFiducialsStorage", "Spatial Fiducials Storage", "SOP Class", STORAGE)
DeformableSpatialRegistrationStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.66.3", "DeformableSpatialRegistrationStorage", "Deformable Spatial Registration Storage", "SOP Class", STORAGE)
SegmentationStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.66.4", "SegmentationStorage", "Segmentation Storage", "SOP Class", STORAGE)
SurfaceSegmentationStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.66.5", "SurfaceSegmentationStorage", "Surface Segmentation Storage", "SOP Class", STORAGE)
TractographyResultsStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.66.6", "TractographyResultsStorage", "Tractography Results Storage", "SOP Class", STORAGE)
LabelMapSegmentationStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.66.7", "LabelMapSegmentationStorage", "Label Map Segmentation Storage", "SOP Class", STORAGE)
HeightMapSegmentationStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.66.8", "HeightMapSegmentationStorage", "Height Map Segmentation Storage", "SOP Class", STORAGE)
RealWorldValueMappingStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.67", "RealWorldValueMappingStorage", "Real World Value Mapping Storage", "SOP Class", STORAGE)
SurfaceScanMeshStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.68.1", "SurfaceScanMeshStorage", "Surface Scan Mesh Storage", "SOP Class", STORAGE)
SurfaceScanPointCloudStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.68.2", "SurfaceScanPointCloudStorage", "Surface Scan Point Cloud Storage", "SOP Class", STORAGE)
VLImageStorageTrial: Final = UID.register("1.2.840.10008.5.1.4.1.1.77.1", "VLImageStorageTrial", "VL Image Storage - Trial", "SOP Class", STORAGE, is_retired=True)
VLEndoscopicImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.77.1.1", "VLEndoscopicImageStorage", "VL Endoscopic Image Storage", "SOP Class", STORAGE)
VideoEndoscopicImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.77.1.1.1", "VideoEndoscopicImageStorage", "Video Endoscopic Image Storage", "SOP Class", STORAGE)
VLMicroscopicImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.77.1.2", "VLMicroscopicImageStorage", "VL Microscopic Image Storage", "SOP Class", STORAGE)
VideoMicroscopicImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.77.1.2.1", "VideoMicroscopicImageStorage", "Video Microscopic Image Storage", "SOP Class", STORAGE)
VLSlideCoordinatesMicroscopicImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.77.1.3", "VLSlideCoordinatesMicroscopicImageStorage", "VL Slide-Coordinates Microscopic Image Storage", "SOP Class", STORAGE)
VLPhotographicImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.77.1.4", "VLPhotographicImageStorage", "VL Photographic Image Storage", "SOP Class", STORAGE)
VideoPhotographicImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.77.1.4.1", "VideoPhotographicImageStorage", "Video Photographic Image Storage", "SOP Class", STORAGE)
OphthalmicPhotography8BitImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.77.1.5.1", "OphthalmicPhotography8BitImageStorage", "Ophthalmic Photography 8 Bit Image Storage", "SOP Class", STORAGE)
OphthalmicPhotography16BitImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.77.1.5.2", "OphthalmicPhotography16BitImageStorage", "Ophthalmic Photography 16 Bit Image Storage", "SOP Class", STORAGE)
StereometricRelationshipStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.77.1.5.3", "StereometricRelationshipStorage", "Stereometric Relationship Storage", "SOP Class", STORAGE)
OphthalmicTomographyImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.77.1.5.4", "OphthalmicTomographyImageStorage", "Ophthalmic Tomography Image Storage", "SOP Class", STORAGE)
WideFieldOphthalmicPhotographyStereographicProjectionImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.77.1.5.5", "WideFieldOphthalmicPhotographyStereographicProjectionImageStorage", "Wide Field Ophthalmic Photography Stereographic Projection Image Storage", "SOP Class", STORAGE)
WideFieldOphthalmicPhotography3DCoordinatesImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.77.1.5.6", "WideFieldOphthalmicPhotography3DCoordinatesImageStorage", "Wide Field Ophthalmic Photography 3D Coordinates Image Storage", "SOP Class", STORAGE)
OphthalmicOpticalCoherenceTomographyEnFaceImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.77.1.5.7", "OphthalmicOpticalCoherenceTomographyEnFaceImageStorage", "Ophthalmic Optical Coherence Tomography En Face Image Storage", "SOP Class", STORAGE)
OphthalmicOpticalCoherenceTomographyBscanVolumeAnalysisStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.77.1.5.8", "OphthalmicOpticalCoherenceTomographyBscanVolumeAnalysisStorage", "Ophthalmic Optical Coherence Tomography B-scan Volume Analysis Storage", "SOP Class", STORAGE)
VLWholeSlideMicroscopyImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.77.1.6", "VLWholeSlideMicroscopyImageStorage", "VL Whole Slide Microscopy Image Storage", "SOP Class", STORAGE)
DermoscopicPhotographyImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.77.1.7", "DermoscopicPhotographyImageStorage", "Dermoscopic Photography Image Storage", "SOP Class", STORAGE)
ConfocalMicroscopyImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.77.1.8", "ConfocalMicroscopyImageStorage", "Confocal Microscopy Image Storage", "SOP Class", STORAGE)
ConfocalMicroscopyTiledPyramidalImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.77.1.9", "ConfocalMicroscopyTiledPyramidalImageStorage", "Confocal Microscopy Tiled Pyramidal Image Storage", "SOP Class", STORAGE)
VLMultiFrameImageStorageTrial: Final = UID.register("1.2.840.10008.5.1.4.1.1.77.2", "VLMultiFrameImageStorageTrial", "VL Multi-frame Image Storage - Trial", "SOP Class", STORAGE, is_retired=True)
LensometryMeasurementsStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.78.1", "LensometryMeasurementsStorage", "Lensometry Measurements Storage", "SOP Class", STORAGE)
AutorefractionMeasurementsStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.78.2", "AutorefractionMeasurementsStorage", "Autorefraction Measurements Storage", "SOP Class", STORAGE)
KeratometryMeasurementsStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.78.3", "KeratometryMeasurementsStorage", "Keratometry Measurements Storage", "SOP Class", STORAGE)
SubjectiveRefractionMeasurementsStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.78.4", "SubjectiveRefractionMeasurementsStorage", "Subjective Refraction Measurements Storage", "SOP Class", STORAGE)
VisualAcuityMeasurementsStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.78.5", "VisualAcuityMeasurementsStorage", "Visual Acuity Measurements Storage", "SOP Class", STORAGE)
SpectaclePrescriptionReportStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.78.6", "SpectaclePrescriptionReportStorage", "Spectacle Prescription Report Storage", "SOP Class", STORAGE)
OphthalmicAxialMeasurementsStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.78.7", "OphthalmicAxialMeasurementsStorage", "Ophthalmic Axial Measurements Storage", "SOP Class", STORAGE)
IntraocularLensCalculationsStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.78.8", "IntraocularLensCalculationsStorage", "Intraocular Lens Calculations Storage", "SOP Class", STORAGE)
MacularGridThicknessAndVolumeReportStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.79.1", "MacularGridThicknessAndVolumeReportStorage", "Macular Grid Thickness and Volume Report Storage", "SOP Class", STORAGE)
OphthalmicVisualFieldStaticPerimetryMeasurementsStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.80.1", "OphthalmicVisualFieldStaticPerimetryMeasurementsStorage", "Ophthalmic Visual Field Static Perimetry Measurements Storage", "SOP Class", STORAGE)
OphthalmicThicknessMapStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.81.1", "OphthalmicThicknessMapStorage", "Ophthalmic Thickness Map Storage", "SOP Class", STORAGE)
CornealTopographyMapStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.82.1", "CornealTopographyMapStorage", "Corneal Topography Map Storage", "SOP Class", STORAGE)
TextSRStorageTrial: Final = UID.register("1.2.840.10008.5.1.4.1.1.88.1", "TextSRStorageTrial", "Text SR Storage - Trial", "SOP Class", STORAGE, is_retired=True)
AudioSRStorageTrial: Final = UID.register("1.2.840.10008.5.1.4.1.1.88.2", "AudioSRStorageTrial", "Audio SR Storage - Trial", "SOP Class", STORAGE, is_retired=True)
DetailSRStorageTrial: Final = UID.register("1.2.840.10008.5.1.4.1.1.88.3", "DetailSRStorageTrial", "Detail SR Storage - Trial", "SOP Class", STORAGE, is_retired=True)
ComprehensiveSRStorageTrial: Final = UID.register("1.2.840.10008.5.1.4.1.1.88.4", "ComprehensiveSRStorageTrial", "Comprehensive SR Storage - Trial", "SOP Class", STORAGE, is_retired=True)
BasicTextSRStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.88.11", "BasicTextSRStorage", "Basic Text SR Storage", "SOP Class", STORAGE)
EnhancedSRStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.88.22", "EnhancedSRStorage", "Enhanced SR Storage", "SOP Class", STORAGE)
ComprehensiveSRStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.88.33", "ComprehensiveSRStorage", "Comprehensive SR Storage", "SOP Class", STORAGE)
Comprehensive3DSRStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.88.34", "Comprehensive3DSRStorage", "Comprehensive 3D SR Storage", "SOP Class", STORAGE)
ExtensibleSRStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.88.35", "ExtensibleSRStorage", "Extensible SR Storage", "SOP Class", STORAGE)
ProcedureLogStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.88.40", "ProcedureLogStorage", "Procedure Log Storage", "SOP Class", STORAGE)
MammographyCADSRStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.88.50", "MammographyCADSRStorage", "Mammography CAD SR Storage", "SOP Class", STORAGE)
KeyObjectSelectionDocumentStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.88.59", "KeyObjectSelectionDocumentStorage", "Key Object Selection Document Storage", "SOP Class", STORAGE)
ChestCADSRStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.88.65", "ChestCADSRStorage", "Chest CAD SR Storage", "SOP Class", STORAGE)
XRayRadiationDoseSRStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.88.67", "XRayRadiationDoseSRStorage", "X-Ray Radiation Dose SR Storage", "SOP Class", STORAGE)
RadiopharmaceuticalRadiationDoseSRStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.88.68", "RadiopharmaceuticalRadiationDoseSRStorage", "Radiopharmaceutical Radiation Dose SR Storage", "SOP Class", STORAGE)
ColonCADSRStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.88.69", "ColonCADSRStorage", "Colon CAD SR Storage", "SOP Class", STORAGE)
ImplantationPlanSRStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.88.70", "ImplantationPlanSRStorage", "Implantation Plan SR Storage", "SOP Class", STORAGE)
AcquisitionContextSRStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.88.71", "AcquisitionContextSRStorage", "Acquisition Context SR Storage", "SOP Class", STORAGE)
SimplifiedAdultEchoSRStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.88.72", "SimplifiedAdultEchoSRStorage", "Simplified Adult Echo SR Storage", "SOP Class", STORAGE)
PatientRadiationDoseSRStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.88.73", "PatientRadiationDoseSRStorage", "Patient Radiation Dose SR Storage", "SOP Class", STORAGE)
PlannedImagingAgentAdministrationSRStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.88.74", "PlannedImagingAgentAdministrationSRStorage", "Planned Imaging Agent Administration SR Storage", "SOP Class", STORAGE)
PerformedImagingAgentAdministrationSRStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.88.75", "PerformedImagingAgentAdministrationSRStorage", "Performed Imaging Agent Administration SR Storage", "SOP Class", STORAGE)
EnhancedXRayRadiationDoseSRStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.88.76", "EnhancedXRayRadiationDoseSRStorage", "Enhanced X-Ray Radiation Dose SR Storage", "SOP Class", STORAGE)
WaveformAnnotationSRStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.88.77", "WaveformAnnotationSRStorage", "Waveform Annotation SR Storage", "SOP Class", STORAGE)
ContentAssessmentResultsStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.90.1", "ContentAssessmentResultsStorage", "Content Assessment Results Storage", "SOP Class", STORAGE)
MicroscopyBulkSimpleAnnotationsStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.91.1", "MicroscopyBulkSimpleAnnotationsStorage", "Microscopy Bulk Simple Annotations Storage", "SOP Class", STORAGE)
EncapsulatedPDFStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.104.1", "EncapsulatedPDFStorage", "Encapsulated PDF Storage", "SOP Class", STORAGE)
EncapsulatedCDAStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.104.2", "EncapsulatedCDAStorage", "Encapsulated CDA Storage", "SOP Class", STORAGE)
EncapsulatedSTLStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.104.3", "EncapsulatedSTLStorage", "Encapsulated STL Storage", "SOP Class", STORAGE)
EncapsulatedOBJStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.104.4", "EncapsulatedOBJStorage", "Encapsulated OBJ Storage", "SOP Class", STORAGE)
EncapsulatedMTLStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.104.5", "EncapsulatedMTLStorage", "Encapsulated MTL Storage", "SOP Class", STORAGE)
PositronEmissionTomographyImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.128", "PositronEmissionTomographyImageStorage", "Positron Emission Tomography Image Storage", "SOP Class", STORAGE)
LegacyConvertedEnhancedPETImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.128.1", "LegacyConvertedEnhancedPETImageStorage", "Legacy Converted Enhanced PET Image Storage", "SOP Class", STORAGE)
StandalonePETCurveStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.129", "StandalonePETCurveStorage", "Standalone PET Curve Storage", "SOP Class", STORAGE, is_retired=True)
EnhancedPETImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.130", "EnhancedPETImageStorage", "Enhanced PET Image Storage", "SOP Class", STORAGE)
BasicStructuredDisplayStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.131", "BasicStructuredDisplayStorage", "Basic Structured Display Storage", "SOP Class", STORAGE)
CTDefinedProcedureProtocolStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.200.1", "CTDefinedProcedureProtocolStorage", "CT Defined Procedure Protocol Storage", "SOP Class", NON_PATIENT_OBJECT_STORAGE)
CTPerformedProcedureProtocolStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.200.2", "CTPerformedProcedureProtocolStorage", "CT Performed Procedure Protocol Storage", "SOP Class", STORAGE)
ProtocolApprovalStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.200.3", "ProtocolApprovalStorage", "Protocol Approval Storage", "SOP Class", NON_PATIENT_OBJECT_STORAGE)
ProtocolApprovalInformationModelFind: Final = UID.register("1.2.840.10008.5.1.4.1.1.200.4", "ProtocolApprovalInformationModelFind", "Protocol Approval Information Model - FIND", "SOP Class", PROTOCOL_APPROVAL_QUERY_RETRIEVE)
ProtocolApprovalInformationModelMove: Final = UID.register("1.2.840.10008.5.1.4.1.1.200.5", "ProtocolApprovalInformationModelMove", "Protocol Approval Information Model - MOVE", "SOP Class", PROTOCOL_APPROVAL_QUERY_RETRIEVE)
ProtocolApprovalInformationModelGet: Final = UID.register("1.2.840.10008.5.1.4.1.1.200.6", "ProtocolApprovalInformationModelGet", "Protocol Approval Information Model - GET", "SOP Class", PROTOCOL_APPROVAL_QUERY_RETRIEVE)
XADefinedProcedureProtocolStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.200.7", "XADefinedProcedureProtocolStorage", "XA Defined Procedure Protocol Storage", "SOP Class", NON_PATIENT_OBJECT_STORAGE)
XAPerformedProcedureProtocolStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.200.8", "XAPerformedProcedureProtocolStorage", "XA Performed Procedure Protocol Storage", "SOP Class", STORAGE)
InventoryStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.201.1", "InventoryStorage", "Inventory Storage", "SOP Class", NON_PATIENT_OBJECT_STORAGE)
InventoryFind: Final = UID.register("1.2.840.10008.5.1.4.1.1.201.2", "InventoryFind", "Inventory - FIND", "SOP Class", INVENTORY_QUERY_RETRIEVE)
InventoryMove: Final = UID.register("1.2.840.10008.5.1.4.1.1.201.3", "InventoryMove", "Inventory - MOVE", "SOP Class", INVENTORY_QUERY_RETRIEVE)
InventoryGet: Final = UID.register("1.2.840.10008.5.1.4.1.1.201.4", "InventoryGet", "Inventory - GET", "SOP Class", INVENTORY_QUERY_RETRIEVE)
InventoryCreation: Final = UID.register("1.2.840.10008.5.1.4.1.1.201.5", "InventoryCreation", "Inventory Creation", "SOP Class", STORAGE_MANAGEMENT)
RepositoryQuery: Final = UID.register("1.2.840.10008.5.1.4.1.1.201.6", "RepositoryQuery", "Repository Query", "SOP Class", QUERY_RETRIEVE)
RTImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.481.1", "RTImageStorage", "RT Image Storage", "SOP Class", STORAGE)
RTDoseStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.481.2", "RTDoseStorage", "RT Dose Storage", "SOP Class", STORAGE)
RTStructureSetStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.481.3", "RTStructureSetStorage", "RT Structure Set Storage", "SOP Class", STORAGE)
RTBeamsTreatmentRecordStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.481.4", "RTBeamsTreatmentRecordStorage", "RT Beams Treatment Record Storage", "SOP Class", STORAGE)
RTPlanStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.481.5", "RTPlanStorage", "RT Plan Storage", "SOP Class", STORAGE)
RTBrachyTreatmentRecordStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.481.6", "RTBrachyTreatmentRecordStorage", "RT Brachy Treatment Record Storage", "SOP Class", STORAGE)
RTTreatmentSummaryRecordStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.481.7", "RTTreatmentSummaryRecordStorage", "RT Treatment Summary Record Storage", "SOP Class", STORAGE)
RTIonPlanStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.481.8", "RTIonPlanStorage", "RT Ion Plan Storage", "SOP Class", STORAGE)
RTIonBeamsTreatmentRecordStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.481.9", "RTIonBeamsTreatmentRecordStorage", "RT Ion Beams Treatment Record Storage", "SOP Class", STORAGE)
RTPhysicianIntentStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.481.10", "RTPhysicianIntentStorage", "RT Physician Intent Storage", "SOP Class", STORAGE)
RTSegmentAnnotationStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.481.11", "RTSegmentAnnotationStorage", "RT Segment Annotation Storage", "SOP Class", STORAGE)
RTRadiationSetStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.481.12", "RTRadiationSetStorage", "RT Radiation Set Storage", "SOP Class", STORAGE)
CArmPhotonElectronRadiationStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.481.13", "CArmPhotonElectronRadiationStorage", "C-Arm Photon-Electron Radiation Storage", "SOP Class", STORAGE)
TomotherapeuticRadiationStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.481.14", "TomotherapeuticRadiationStorage", "Tomotherapeutic Radiation Storage", "SOP Class", STORAGE)
RoboticArmRadiationStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.481.15", "RoboticArmRadiationStorage", "Robotic-Arm Radiation Storage", "SOP Class", STORAGE)
RTRadiationRecordSetStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.481.16", "RTRadiationRecordSetStorage", "RT Radiation Record Set Storage", "SOP Class", STORAGE)
RTRadiationSalvageRecordStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.481.17", "RTRadiationSalvageRecordStorage", "RT Radiation Salvage Record Storage", "SOP Class", STORAGE)
TomotherapeuticRadiationRecordStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.481.18", "TomotherapeuticRadiationRecordStorage", "Tomotherapeutic Radiation Record Storage", "SOP Class", STORAGE)
CArmPhotonElectronRadiationRecordStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.481.19", "CArmPhotonElectronRadiationRecordStorage", "C-Arm Photon-Electron Radiation Record Storage", "SOP Class", STORAGE)
RoboticRadiationRecordStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.481.20", "RoboticRadiationRecordStorage", "Robotic Radiation Record Storage", "SOP Class", STORAGE)
RTRadiationSetDeliveryInstructionStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.481.21", "RTRadiationSetDeliveryInstructionStorage", "RT Radiation Set Delivery Instruction Storage", "SOP Class", STORAGE)
RTTreatmentPreparationStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.481.22", "RTTreatmentPreparationStorage", "RT Treatment Preparation Storage", "SOP Class", STORAGE)
EnhancedRTImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.481.23", "EnhancedRTImageStorage", "Enhanced RT Image Storage", "SOP Class", STORAGE)
EnhancedContinuousRTImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.481.24", "EnhancedContinuousRTImageStorage", "Enhanced Continuous RT Image Storage", "SOP Class", STORAGE)
RTPatientPositionAcquisitionInstructionStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.481.25", "RTPatientPositionAcquisitionInstructionStorage", "RT Patient Position Acquisition Instruction Storage", "SOP Class", STORAGE)
DICOSCTImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.501.1", "DICOSCTImageStorage", "DICOS CT Image Storage", "SOP Class", STORAGE)
DICOSDigitalXRayImageStorageForPresentation: Final = UID.register("1.2.840.10008.5.1.4.1.1.501.2.1", "DICOSDigitalXRayImageStorageForPresentation", "DICOS Digital X-Ray Image Storage - For Presentation", "SOP Class", STORAGE)
DICOSDigitalXRayImageStorageForProcessing: Final = UID.register("1.2.840.10008.5.1.4.1.1.501.2.2", "DICOSDigitalXRayImageStorageForProcessing", "DICOS Digital X-Ray Image Storage - For Processing", "SOP Class", STORAGE)
DICOSThreatDetectionReportStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.501.3", "DICOSThreatDetectionReportStorage", "DICOS Threat Detection Report Storage", "SOP Class", STORAGE)
DICOS2DAITStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.501.4", "DICOS2DAITStorage", "DICOS 2D AIT Storage", "SOP Class", STORAGE)
DICOS3DAITStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.501.5", "DICOS3DAITStorage", "DICOS 3D AIT Storage", "SOP Class", STORAGE)
DICOSQuadrupoleResonanceStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.501.6", "DICOSQuadrupoleResonanceStorage", "DICOS Quadrupole Resonance (QR) Storage", "SOP Class", STORAGE)
EddyCurrentImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.601.1", "EddyCurrentImageStorage", "Eddy Current Image Storage", "SOP Class", STORAGE)
EddyCurrentMultiFrameImageStorage: Final = UID.register("1.2.840.10008.5.1.4.1.1.601.2", "EddyCurrentMultiFrameImageStorage", "Eddy Current Multi-frame Image Storage", "SOP Class", STORAGE)
PatientRootQueryRetrieveInformationModelFind: Final = UID.register("1.2.840.10008.5.1.4.1.2.1.1", "PatientRootQueryRetrieveInformationModelFind", "Patient Root Query/Retrieve Information Model - FIND", "SOP Class", QUERY_RETRIEVE)
PatientRootQueryRetrieveInformationModelMove: Final = UID.register("1.2.840.10008.5.1.4.1.2.1.2", "PatientRootQueryRetrieveInformationModelMove", "Patient Root Query/Retrieve Information Model - MOVE", "SOP Class", QUERY_RETRIEVE)
PatientRootQueryRetrieveInformationModelGet: Final = UID.register("1.2.840.10008.5.1.4.1.2.1.3", "PatientRootQueryRetrieveInformationModelGet", "Patient Root Query/Retrieve Information Model - GET", "SOP Class", QUERY_RETRIEVE)
StudyRootQueryRetrieveInformationModelFind: Final = UID.register("1.2.840.10008.5.1.4.1.2.2.1", "StudyRootQueryRetrieveInformationModelFind", "Study Root Query/Retrieve Information Model - FIND", "SOP Class", QUERY_RETRIEVE)
StudyRootQueryRetrieveInformationModelMove: Final = UID.register("1.2.840.10008.5.1.4.1.2.2.2", "StudyRootQueryRetrieveInformationModelMove", "Study Root Query/Retrieve Information Model - MOVE", "SOP Class", QUERY_RETRIEVE)
StudyRootQueryRetrieveInformationModelGet: Final = UID.register("1.2.840.10008.5.1.4.1.2.2.3", "StudyRootQueryRetrieveInformationModelGet", "Study Root Query/Retrieve Information Model - GET", "SOP Class", QUERY_RETRIEVE)
PatientStudyOnlyQueryRetrieveInformationModelFind: Final = UID.register("1.2.840.10008.5.1.4.1.2.3.1", "PatientStudyOnlyQueryRetrieveInformationModelFind", "Patient/Study Only Query/Retrieve Information Model - FIND", "SOP Class", QUERY_RETRIEVE, is_retired=True)
PatientStudyOnlyQueryRetrieveInformationModelMove: Final = UID.register("1.2.840.10008.5.1.4.1.2.3.2", "PatientStudyOnlyQueryRetrieveInformationModelMove", "Patient/Study Only Query/Retrieve Information Model - MOVE", "SOP Class", QUERY_RETRIEVE, is_retired=True)
PatientStudyOnlyQueryRetrieveInformationModelGet: Final = UID.register("1.2.840.10008.5.1.4.1.2.3.3", "PatientStudyOnlyQueryRetrieveInformationModelGet", "Patient/Study Only Query/Retrieve Information Model - GET", "SOP Class", QUERY_RETRIEVE, is_retired=True)
CompositeInstanceRootRetrieveMove: Final = UID.register("1.2.840.10008.5.1.4.1.2.4.2", "CompositeInstanceRootRetrieveMove", "Composite Instance Root Retrieve - MOVE", "SOP Class", QUERY_RETRIEVE)
CompositeInstanceRootRetrieveGet: Final = UID.register("1.2.840.10008.5.1.4.1.2.4.3", "CompositeInstanceRootRetrieveGet", "Composite Instance Root Retrieve - GET", "SOP Class", QUERY_RETRIEVE)
CompositeInstanceRetrieveWithoutBulkDataGet: Final = UID.register("1.2.840.10008.5.1.4.1.2.5.3", "CompositeInstanceRetrieveWithoutBulkDataGet", "Composite Instance Retrieve Without Bulk Data - GET", "SOP Class", QUERY_RETRIEVE)
DefinedProcedureProtocolInformationModelFind: Final = UID.register("1.2.840.10008.5.1.4.20.1", "DefinedProcedureProtocolInformationModelFind", "Defined Procedure Protocol Information Model - FIND", "SOP Class", DEFINED_PROCEDURE_PROTOCOL_QUERY_RETRIEVE)
DefinedProcedureProtocolInformationModelMove: Final = UID.register("1.2.840.10008.5.1.4.20.2", "DefinedProcedureProtocolInformationModelMove", "Defined Procedure Protocol Information Model - MOVE", "SOP Class", DEFINED_PROCEDURE_PROTOCOL_QUERY_RETRIEVE)
DefinedProcedureProtocolInformationModelGet: Final = UID.register("1.2.840.10008.5.1.4.20.3", "DefinedProcedureProtocolInformationModelGet", "Defined Procedure Protocol Information Model - GET", "SOP Class", DEFINED_PROCEDURE_PROTOCOL_QUERY_RETRIEVE)
ModalityWorklistInformationModelFind: Final = UID.register("1.2.840.10008.5.1.4.31", "ModalityWorklistInformationModelFind", "Modality Worklist Information Model - FIND", "SOP Class", BASIC_WORKLIST_MANAGEMENT)
GeneralPurposeWorklistManagementMeta: Final = UID.register("1.2.840.10008.5.1.4.32", "GeneralPurposeWorklistManagementMeta", "General Purpose Worklist Management Meta SOP Class", "Meta SOP Class", GENERAL_PURPOSE_WORKLIST_MANAGEMENT, is_retired=True)
GeneralPurposeWorklistInformationModelFind: Final = UID.register("1.2.840.10008.5.1.4.32.1", "GeneralPurposeWorklistInformationModelFind", "General Purpose Worklist Information Model - FIND", "SOP Class", GENERAL_PURPOSE_WORKLIST_MANAGEMENT, is_retired=True)
GeneralPurposeScheduledProcedureStep: Final = UID.register("1.2.840.10008.5.1.4.32.2", "GeneralPurposeScheduledProcedureStep", "General Purpose Scheduled Procedure Step SOP Class", "SOP Class", GENERAL_PURPOSE_WORKLIST_MANAGEMENT, is_retired=True)
GeneralPurposePerformedProcedureStep: Final = UID.register("1.2.840.10008.5.1.4.32.3", "GeneralPurposePerformedProcedureStep", "General Purpose Performed Procedure Step SOP Class", "SOP Class", GENERAL_PURPOSE_WORKLIST_MANAGEMENT, is_retired=True)
InstanceAvailabilityNotification: Final = UID.register("1.2.840.10008.5.1.4.33", "InstanceAvailabilityNotification", "Instance Availability Notification SOP Class", "SOP Class", INSTANCE_AVAILABILITY_NOTIFICATION)
RTBeamsDeliveryInstructionStorageTrial: Final = UID.register("1.2.840.10008.5.1.4.34.1", "RTBeamsDeliveryInstructionStorageTrial", "RT Beams Delivery Instruction Storage - Trial", "SOP Class", STORAGE, is_retired=True)
RTConventionalMachineVerificationTrial: Final = UID.register("1.2.840.10008.5.1.4.34.2", "RTConventionalMachineVerificationTrial", "RT Conventional Machine Verification - Trial", "SOP Class", RT_MACHINE_VERIFICATION, is_retired=True)
RTIonMachineVerificationTrial: Final = UID.register("1.2.840.10008.5.1.4.34.3", "RTIonMachineVerificationTrial", "RT Ion Machine Verification - Trial", "SOP Class", RT_MACHINE_VERIFICATION, is_retired=True)
UnifiedProcedureStepPushTrial: Final = UID.register("1.2.840.10008.5.1.4.34.4.1", "UnifiedProcedureStepPushTrial", "Unified Procedure Step - Push SOP Class - Trial", "SOP Class", UNIFIED_PROCEDURE_STEP, is_retired=True)
UnifiedProcedureStepWatchTrial: Final = UID.register("1.2.840.10008.5.1.4.34.4.2", "UnifiedProcedureStepWatchTrial", "Unified Procedure Step - Watch SOP Class - Trial", "SOP Class", UNIFIED_PROCEDURE_STEP, is_retired=True)
UnifiedProcedureStepPullTrial: Final = UID.register("1.2.840.10008.5.1.4.34.4.3", "UnifiedProcedureStepPullTrial", "Unified Procedure Step - Pull SOP Class - Trial", "SOP Class", UNIFIED_PROCEDURE_STEP, is_retired=True)
UnifiedProcedureStepEventTrial: Final = UID.register("1.2.840.10008.5.1.4.34.4.4", "UnifiedProcedureStepEventTrial", "Unified Procedure Step - Event SOP Class - Trial", "SOP Class", UNIFIED_PROCEDURE_STEP, is_retired=True)
UnifiedProcedureStepPush: Final = UID.register("1.2.840.10008.5.1.4.34.6.1", "UnifiedProcedureStepPush", "Unified Procedure Step - Push SOP Class", "SOP Class", UNIFIED_PROCEDURE_STEP)
UnifiedProcedureStepWatch: Final = UID.register("1.2.840.10008.5.1.4.34.6.2", "UnifiedProcedureStepWatch", "Unified Procedure Step - Watch SOP Class", "SOP Class", UNIFIED_PROCEDURE_STEP)
UnifiedProcedureStepPull: Final = UID.register("1.2.840.10008.5.1.4.34.6.3", "UnifiedProcedureStepPull", "Unified Procedure Step - Pull SOP Class", "SOP Class", UNIFIED_PROCEDURE_STEP)
UnifiedProcedureStepEvent: Final = UID.register("1.2.840.10008.5.1.4.34.6.4", "UnifiedProcedureStepEvent", "Unified Procedure Step - Event SOP Class", "SOP Class", UNIFIED_PROCEDURE_STEP)
UnifiedProcedureStepQuery: Final = UID.register("1.2.840.10008.5.1.4.34.6.5", "UnifiedProcedureStepQuery", "Unified Procedure Step - Query SOP Class", "SOP Class", UNIFIED_PROCEDURE_STEP)
RTBeamsDeliveryInstructionStorage: Final = UID.register("1.2.840.10008.5.1.4.34.7", "RTBeamsDeliveryInstructionStorage", "RT Beams Delivery Instruction Storage", "SOP Class", STORAGE)
RTConventionalMachineVerification: Final = UID.register("1.2.840.10008.5.1.4.34.8", "RTConventionalMachineVerification", "RT Conventional Machine Verification", "SOP Class", RT_MACHINE_VERIFICATION)
RTIonMachineVerification: Final = UID.register("1.2.840.10008.5.1.4.34.9", "RTIonMachineVerification", "RT Ion Machine Verification", "SOP Class", RT_MACHINE_VERIFICATION)
RTBrachyApplicationSetupDeliveryInstructionStorage: Final = UID.register("1.2.840.10008.5.1.4.34.10", "RTBrachyApplicationSetupDeliveryInstructionStorage", "RT Brachy Application Setup Delivery Instruction Storage", "SOP Class", STORAGE)
GeneralRelevantPatientInformationQuery: Final = UID.register("1.2.840.10008.5.1.4.37.1", "GeneralRelevantPatientInformationQuery", "General Relevant Patient Information Query", "SOP Class", RELEVANT_PATIENT_INFORMATION_QUERY)
BreastImagingRelevantPatientInformationQuery: Final = UID.register("1.2.840.10008.5.1.4.37.2", "BreastImagingRelevantPatientInformationQuery", "Breast Imaging Relevant Patient Information Query", "SOP Class", RELEVANT_PATIENT_INFORMATION_QUERY)
CardiacRelevantPatientInformationQuery: Final = UID.register("1.2.840.10008.5.1.4.37.3", "CardiacRelevantPatientInformationQuery", "Cardiac Relevant Patient Information Query", "SOP Class", RELEVANT_PATIENT_INFORMATION_QUERY)
HangingProtocolStorage: Final = UID.register("1.2.840.10008.5.1.4.38.1", "HangingProtocolStorage", "Hanging Protocol Storage", "SOP Class", NON_PATIENT_OBJECT_STORAGE)
HangingProtocolInformationModelFind: Final = UID.register("1.2.840.10008.5.1.4.38.2", "HangingProtocolInformationModelFind", "Hanging Protocol Information Model - FIND", "SOP Class", HANGING_PROTOCOL_QUERY_RETRIEVE)
HangingProtocolInformationModelMove: Final = UID.register("1.2.840.10008.5.1.4.38.3", "HangingProtocolInformationModelMove", "Hanging Protocol Information Model - MOVE", "SOP Class", HANGING_PROTOCOL_QUERY_RETRIEVE)
HangingProtocolInformationModelGet: Final = UID.register("1.2.840.10008.5.1.4.38.4", "HangingProtocolInformationModelGet", "Hanging Protocol Information Model - GET", "SOP Class", HANGING_PROTOCOL_QUERY_RETRIEVE)
ColorPaletteStorage: Final = UID.register("1.2.840.10008.5.1.4.39.1", "ColorPaletteStorage", "Color Palette Storage", "SOP Class", NON_PATIENT_OBJECT_STORAGE)
ColorPaletteQueryRetrieveInformationModelFind: Final = UID.register("1.2.840.10008.5.1.4.39.2", "ColorPaletteQueryRetrieveInformationModelFind", "Color Palette Query/Retrieve Information Model - FIND", "SOP Class", COLOR_PALETTE_QUERY_RETRIEVE)
ColorPaletteQueryRetrieveInformationModelMove: Final = UID.register("1.2.840.10008.5.1.4.39.3", "ColorPaletteQueryRetrieveInformationModelMove", "Color Palette Query/Retrieve Information Model - MOVE", "SOP Class", COLOR_PALETTE_QUERY_RETRIEVE)
ColorPaletteQueryRetrieveInformationModelGet: Final = UID.register("1.2.840.10008.5.1.4.39.4", "ColorPaletteQueryRetrieveInformationModelGet", "Color Palette Query/Retrieve Information Model - GET", "SOP Class", COLOR_PALETTE_QUERY_RETRIEVE)
ProductCharacteristicsQuery: Final = UID.register("1.2.840.10008.5.1.4.41", "ProductCharacteristicsQuery", "Product Characteristics Query SOP Class", "SOP Class", SUBSTANCE_ADMINISTRATION_QUERY)
SubstanceApprovalQuery: Final = UID.register("1.2.840.10008.5.1.4.42", "SubstanceApprovalQuery", "Substance Approval Query SOP Class", "SOP Class", SUBSTANCE_ADMINISTRATION_QUERY)
GenericImplantTemplateStorage: Final = UID.register("1.2.840.10008.5.1.4.43.1", "GenericImplantTemplateStorage", "Generic Implant Template Storage", "SOP Class", NON_PATIENT_OBJECT_STORAGE)
GenericImplantTemplateInformationModelFind: Final = UID.register("1.2.840.10008.5.1.4.43.2", "GenericImplantTemplateInformationModelFind", "Generic Implant Template Information Model - FIND", "SOP Class", IMPLANT_TEMPLATE_QUERY_RETRIEVE)
GenericImplantTemplateInformationModelMove: Final = UID.register("1.2.840.10008.5.1.4.43.3", "GenericImplantTemplateInformationModelMove", "Generic Implant Template Information Model - MOVE", "SOP Class", IMPLANT_TEMPLATE_QUERY_RETRIEVE)
GenericImplantTemplateInformationModelGet: Final = UID.register("1.2.840.10008.5.1.4.43.4", "GenericImplantTemplateInformationModelGet", "Generic Implant Template Information Model - GET", "SOP Class", IMPLANT_TEMPLATE_QUERY_RETRIEVE)
ImplantAssemblyTemplateStorage: Final = UID.register("1.2.840.10008.5.1.4.44.1", "ImplantAssemblyTemplateStorage", "Implant Assembly Template Storage", "SOP Class", NON_PATIENT_OBJECT_STORAGE)
ImplantAssemblyTemplateInformationModelFind: Final = UID.register("1.2.840.10008.5.1.4.44.2", "ImplantAssemblyTemplateInformationModelFind", "Implant Assembly Template Information Model - FIND", "SOP Class", IMPLANT_TEMPLATE_QUERY_RETRIEVE)
ImplantAssemblyTemplateInformationModelMove: Final = UID.register("1.2.840.10008.5.1.4.44.3", "ImplantAssemblyTemplateInformationModelMove", "Implant Assembly Template Information Model - MOVE", "SOP Class", IMPLANT_TEMPLATE_QUERY_RETRIEVE)
ImplantAssemblyTemplateInformationModelGet: Final = UID.register("1.2.840.10008.5.1.4.44.4", "ImplantAssemblyTemplateInformationModelGet", "Implant Assembly Template Information Model - GET", "SOP Class", IMPLANT_TEMPLATE_QUERY_RETRIEVE)
ImplantTemplateGroupStorage: Final = UID.register("1.2.840.10008.5.1.4.45.1", "ImplantTemplateGroupStorage", "Implant Template Group Storage", "SOP Class", NON_PATIENT_OBJECT_STORAGE)
ImplantTemplateGroupInformationModelFind: Final = UID.register("1.2.840.10008.5.1.4.45.2", "ImplantTemplateGroupInformationModelFind", "Implant Template Group Information Model - FIND", "SOP Class", IMPLANT_TEMPLATE_QUERY_RETRIEVE)
ImplantTemplateGroupInformationModelMove: Final = UID.register("1.2.840.10008.5.1.4.45.3", "ImplantTemplateGroupInformationModelMove", "Implant Template Group Information Model - MOVE", "SOP Class", IMPLANT_TEMPLATE_QUERY_RETRIEVE)
ImplantTemplateGroupInformationModelGet: Final = UID.register("1.2.840.10008.5.1.4.45.4", "ImplantTemplateGroupInformationModelGet", "Implant Template Group Information Model - GET", "SOP Class", IMPLANT_TEMPLATE_QUERY_RETRIEVE)
VideoEndoscopicImageRealTimeCommunication: Final = UID.register("1.2.840.10008.10.1", "VideoEndoscopicImageRealTimeCommunication", "Video Endoscopic Image Real-Time Communication", "SOP Class")
VideoPhotographicImageRealTimeCommunication: Final = UID.register("1.2.840.10008.10.2", "VideoPhotographicImageRealTimeCommunication", "Video Photographic Image Real-Time Communication", "SOP Class")
AudioWaveformRealTimeCommunication: Final = UID.register("1.2.840.10008.10.3", "AudioWaveformRealTimeCommunication", "Audio Waveform Real-Time Communication", "SOP Class")
RenditionSelectionDocumentRealTimeCommunication: Final = UID.register("1.2.840.10008.10.4", "RenditionSelectionDocumentRealTimeCommunication", "Rendition Selection Document Real-Time Communication", "SOP Class")

# Well-known SOP instances (PS3.4)
HotIronPalette: Final = UID.register("1.2.840.10008.1.5.1", "HotIronPalette", "Hot Iron Color Palette SOP Instance", "Well-known SOP Instance")
PETPalette: Final = UID.register("1.2.840.10008.1.5.2", "PETPalette", "PET Color Palette SOP Instance", "Well-known SOP Instance")
HotMetalBluePalette: Final = UID.register("1.2.840.10008.1.5.3", "HotMetalBluePalette", "Hot Metal Blue Color Palette SOP Instance", "Well-known SOP Instance")
PET20StepPalette: Final = UID.register("1.2.840.10008.1.5.4", "PET20StepPalette", "PET 20 Step Color Palette SOP Instance", "Well-known SOP Instance")
SpringPalette: Final = UID.register("1.2.840.10008.1.5.5", "SpringPalette", "Spring Color Palette SOP Instance", "Well-known SOP Instance")
SummerPalette: Final = UID.register("1.2.840.10008.1.5.6", "SummerPalette", "Summer Color Palette SOP Instance", "Well-known SOP Instance")
FallPalette: Final = UID.register("1.2.840.10008.1.5.7", "FallPalette", "Fall Color Palette SOP Instance", "Well-known SOP Instance")
WinterPalette: Final = UID.register("1.2.840.10008.1.5.8", "WinterPalette", "Winter Color Palette SOP Instance", "Well-known SOP Instance")
StorageCommitmentPushModelInstance: Final = UID.register("1.2.840.10008.1.20.1.1", "StorageCommitmentPushModelInstance", "Storage Commitment Push Model SOP Instance", "Well-known SOP Instance")
StorageCommitmentPullModelInstance: Final = UID.register("1.2.840.10008.1.20.2.1", "StorageCommitmentPullModelInstance", "Storage Commitment Pull Model SOP Instance", "Well-known SOP Instance", is_retired=True)
ProceduralEventLoggingInstance: Final = UID.register("1.2.840.10008.1.40.1", "ProceduralEventLoggingInstance", "Procedural Event Logging SOP Instance", "Well-known SOP Instance")
SubstanceAdministrationLoggingInstance: Final = UID.register("1.2.840.10008.1.42.1", "SubstanceAdministrationLoggingInstance", "Substance Administration Logging SOP Instance", "Well-known SOP Instance")
PrinterInstance: Final = UID.register("1.2.840.10008.5.1.1.17", "PrinterInstance", "Printer SOP Instance", "Well-known SOP Instance")
PrinterConfigurationRetrievalInstance: Final = UID.register("1.2.840.10008.5.1.1.17.376", "PrinterConfigurationRetrievalInstance", "Printer Configuration Retrieval SOP Instance", "Well-known SOP Instance")
PrintQueueInstance: Final = UID.register("1.2.840.10008.5.1.1.25", "PrintQueueInstance", "Print Queue SOP Instance", "Well-known SOP Instance", is_retired=True)
DisplaySystemInstance: Final = UID.register("1.2.840.10008.5.1.1.40.1", "DisplaySystemInstance", "Display System SOP Instance", "Well-known SOP Instance")
StorageManagementInstance: Final = UID.register("1.2.840.10008.5.1.4.1.1.201.1.1", "StorageManagementInstance", "Storage Management SOP Instance", "Well-known SOP Instance")
UPSGlobalSubscriptionInstance: Final = UID.register("1.2.840.10008.5.1.4.34.5", "UPSGlobalSubscriptionInstance", "UPS Global Subscription SOP Instance", "Well-known SOP Instance")
UPSFilteredGlobalSubscriptionInstance: Final = UID.register("1.2.840.10008.5.1.4.34.5.1", "UPSFilteredGlobalSubscriptionInstance", "UPS Filtered Global Subscription SOP Instance", "Well-known SOP Instance")

# Transfer syntaxes (PS3.5 Annex A)
ImplicitVRLittleEndian: Final = UID.register("1.2.840.10008.1.2", "ImplicitVRLittleEndian", "Implicit VR Little Endian", "Transfer Syntax")
ExplicitVRLittleEndian: Final = UID.register("1.2.840.10008.1.2.1", "ExplicitVRLittleEndian", "Explicit VR Little Endian", "Transfer Syntax")
EncapsulatedUncompressedExplicitVRLittleEndian: Final = UID.register("1.2.840.10008.1.2.1.98", "EncapsulatedUncompressedExplicitVRLittleEndian", "Encapsulated Uncompressed Explicit VR Little Endian", "Transfer Syntax")
DeflatedExplicitVRLittleEndian: Final = UID.register("1.2.840.10008.1.2.1.99", "DeflatedExplicitVRLittleEndian", "Deflated Explicit VR Little Endian", "Transfer Syntax")
ExplicitVRBigEndian: Final = UID.register("1.2.840.10008.1.2.2", "ExplicitVRBigEndian", "Explicit VR Big Endian", "Transfer Syntax", is_retired=True)
JPEGBaseline8Bit: Final = UID.register("1.2.840.10008.1.2.4.50", "JPEGBaseline8Bit", "JPEG Baseline (Process 1)", "Transfer Syntax")
JPEGExtended12Bit: Final = UID.register("1.2.840.10008.1.2.4.51", "JPEGExtended12Bit", "JPEG Extended (Process 2 and 4)", "Transfer Syntax")
JPEGExtended35: Final = UID.register("1.2.840.10008.1.2.4.52", "JPEGExtended35", "JPEG Extended (Process 3 and 5)", "Transfer Syntax", is_retired=True)
JPEGSpectralSelectionNonHierarchical68: Final = UID.register("1.2.840.10008.1.2.4.53", "JPEGSpectralSelectionNonHierarchical68", "JPEG Spectral Selection, Non-Hierarchical (Process 6 and 8)", "Transfer Syntax", is_retired=True)
JPEGSpectralSelectionNonHierarchical79: Final = UID.register("1.2.840.10008.1.2.4.54", "JPEGSpectralSelectionNonHierarchical79", "JPEG Spectral Selection, Non-Hierarchical (Process 7 and 9)", "Transfer Syntax", is_retired=True)
JPEGFullProgressionNonHierarchical1012: Final = UID.register("1.2.840.10008.1.2.4.55", "JPEGFullProgressionNonHierarchical1012", "JPEG Full Progression, Non-Hierarchical (Process 10 and 12)", "Transfer Syntax", is_retired=True)
JPEGFullProgressionNonHierarchical1113: Final = UID.register("1.2.840.10008.1.2.4.56", "JPEGFullProgressionNonHierarchical1113", "JPEG Full Progression, Non-Hierarchical (Process 11 and 13)", "Transfer Syntax", is_retired=True)
JPEGLossless: Final = UID.register("1.2.840.10008.1.2.4.57", "JPEGLossless", "JPEG Lossless, Non-Hierarchical (Process 14)", "Transfer Syntax")
JPEGLosslessNonHierarchical15: Final = UID.register("1.2.840.10008.1.2.4.58", "JPEGLosslessNonHierarchical15", "JPEG Lossless, Non-Hierarchical (Process 15)", "Transfer Syntax", is_retired=True)
JPEGExtendedHierarchical1618: Final = UID.register("1.2.840.10008.1.2.4.59", "JPEGExtendedHierarchical1618", "JPEG Extended, Hierarchical (Process 16 and 18)", "Transfer Syntax", is_retired=True)
JPEGExtendedHierarchical1719: Final = UID.register("1.2.840.10008.1.2.4.60", "JPEGExtendedHierarchical1719", "JPEG Extended, Hierarchical (Process 17 and 19)", "Transfer Syntax", is_retired=True)
JPEGSpectralSelectionHierarchical2022: Final = UID.register("1.2.840.10008.1.2.4.61", "JPEGSpectralSelectionHierarchical2022", "JPEG Spectral Selection, Hierarchical (Process 20 and 22)", "Transfer Syntax", is_retired=True)
JPEGSpectralSelectionHierarchical2123: Final = UID.register("1.2.840.10008.1.2.4.62", "JPEGSpectralSelectionHierarchical2123", "JPEG Spectral Selection, Hierarchical (Process 21 and 23)", "Transfer Syntax", is_retired=True)
JPEGFullProgressionHierarchical2426: Final = UID.register("1.2.840.10008.1.2.4.63", "JPEGFullProgressionHierarchical2426", "JPEG Full Progression, Hierarchical (Process 24 and 26)", "Transfer Syntax", is_retired=True)
JPEGFullProgressionHierarchical2527: Final = UID.register("1.2.840.10008.1.2.4.64", "JPEGFullProgressionHierarchical2527", "JPEG Full Progression, Hierarchical (Process 25 and 27)", "Transfer Syntax", is_retired=True)
JPEGLosslessHierarchical28: Final = UID.register("1.2.840.10008.1.2.4.65", "JPEGLosslessHierarchical28", "JPEG Lossless, Hierarchical (Process 28)", "Transfer Syntax", is_retired=True)
JPEGLosslessHierarchical29: Final = UID.register("1.2.840.10008.1.2.4.66", "JPEGLosslessHierarchical29", "JPEG Lossless, Hierarchical (Process 29)", "Transfer Syntax", is_retired=True)
JPEGLosslessSV1: Final = UID.register("1.2.840.10008.1.2.4.70", "JPEGLosslessSV1", "JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14 [Selection Value 1])", "Transfer Syntax")
JPEGLSLossless: Final = UID.register("1.2.840.10008.1.2.4.80", "JPEGLSLossless", "JPEG-LS Lossless Image Compression", "Transfer Syntax")
JPEGLSNearLossless: Final = UID.register("1.2.840.10008.1.2.4.81", "JPEGLSNearLossless", "JPEG-LS Lossy (Near-Lossless) Image Compression", "Transfer Syntax")
JPEG2000Lossless: Final = UID.register("1.2.840.10008.1.2.4.90", "JPEG2000Lossless", "JPEG 2000 Image Compression (Lossless Only)", "Transfer Syntax")
JPEG2000: Final = UID.register("1.2.840.10008.1.2.4.91", "JPEG2000", "JPEG 2000 Image Compression", "Transfer Syntax")
JPEG2000MCLossless: Final = UID.register("1.2.840.10008.1.2.4.92", "JPEG2000MCLossless", "JPEG 2000 Part 2 Multi-component Image Compression (Lossless Only)", "Transfer Syntax")
JPEG2000MC: Final = UID.register("1.2.840.10008.1.2.4.93", "JPEG2000MC", "JPEG 2000 Part 2 Multi-component Image Compression", "Transfer Syntax")
JPIPReferenced: Final = UID.register("1.2.840.10008.1.2.4.94", "JPIPReferenced", "JPIP Referenced", "Transfer Syntax")
JPIPReferencedDeflate: Final = UID.register("1.2.840.10008.1.2.4.95", "JPIPReferencedDeflate", "JPIP Referenced Deflate", "Transfer Syntax")
MPEG2MPML: Final = UID.register("1.2.840.10008.1.2.4.100", "MPEG2MPML", "MPEG2 Main Profile / Main Level", "Transfer Syntax")
MPEG2MPMLF: Final = UID.register("1.2.840.10008.1.2.4.100.1", "MPEG2MPMLF", "Fragmentable MPEG2 Main Profile / Main Level", "Transfer Syntax")
MPEG2MPHL: Final = UID.register("1.2.840.10008.1.2.4.101", "MPEG2MPHL", "MPEG2 Main Profile / High Level", "Transfer Syntax")
MPEG2MPHLF: Final = UID.register("1.2.840.10008.1.2.4.101.1", "MPEG2MPHLF", "Fragmentable MPEG2 Main Profile / High Level", "Transfer Syntax")
MPEG4HP41: Final = UID.register("1.2.840.10008.1.2.4.102", "MPEG4HP41", "MPEG-4 AVC/H.264 High Profile / Level 4.1", "Transfer Syntax")
MPEG4HP41F: Final = UID.register("1.2.840.10008.1.2.4.102.1", "MPEG4HP41F", "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.1", "Transfer Syntax")
MPEG4HP41BD: Final = UID.register("1.2.840.10008.1.2.4.103", "MPEG4HP41BD", "MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1", "Transfer Syntax")
MPEG4HP41BDF: Final = UID.register("1.2.840.10008.1.2.4.103.1", "MPEG4HP41BDF", "Fragmentable MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1", "Transfer Syntax")
MPEG4HP422D: Final = UID.register("1.2.840.10008.1.2.4.104", "MPEG4HP422D", "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video", "Transfer Syntax")
MPEG4HP422DF: Final = UID.register("1.2.840.10008.1.2.4.104.1", "MPEG4HP422DF", "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video", "Transfer Syntax")
MPEG4HP423D: Final = UID.register("1.2.840.10008.1.2.4.105", "MPEG4HP423D", "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video", "Transfer Syntax")
MPEG4HP423DF: Final = UID.register("1.2.840.10008.1.2.4.105.1", "MPEG4HP423DF", "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video", "Transfer Syntax")
MPEG4HP42STEREO: Final = UID.register("1.2.840.10008.1.2.4.106", "MPEG4HP42STEREO", "MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2", "Transfer Syntax")
MPEG4HP42STEREOF: Final = UID.register("1.2.840.10008.1.2.4.106.1", "MPEG4HP42STEREOF", "Fragmentable MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2", "Transfer Syntax")
HEVCMP51: Final = UID.register("1.2.840.10008.1.2.4.107", "HEVCMP51", "HEVC/H.265 Main Profile / Level 5.1", "Transfer Syntax")
HEVCM10P51: Final = UID.register("1.2.840.10008.1.2.4.108", "HEVCM10P51", "HEVC/H.265 Main 10 Profile / Level 5.1", "Transfer Syntax")
JPEGXLLossless: Final = UID.register("1.2.840.10008.1.2.4.110", "JPEGXLLossless", "JPEG XL Lossless", "Transfer Syntax")
JPEGXLJPEGRecompression: Final = UID.register("1.2.840.10008.1.2.4.111", "JPEGXLJPEGRecompression", "JPEG XL JPEG Recompression", "Transfer Syntax")
JPEGXL: Final = UID.register("1.2.840.10008.1.2.4.112", "JPEGXL", "JPEG XL", "Transfer Syntax")
HTJ2KLossless: Final = UID.register("1.2.840.10008.1.2.4.201", "HTJ2KLossless", "High-Throughput JPEG 2000 Image Compression (Lossless Only)", "Transfer Syntax")
HTJ2KLosslessRPCL: Final = UID.register("1.2.840.10008.1.2.4.202", "HTJ2KLosslessRPCL", "High-Throughput JPEG 2000 with RPCL Options Image Compression (Lossless Only)", "Transfer Syntax")
HTJ2K: Final = UID.register("1.2.840.10008.1.2.4.203", "HTJ2K", "High-Throughput JPEG 2000 Image Compression", "Transfer Syntax")
JPIPHTJ2KReferenced: Final = UID.register("1.2.840.10008.1.2.4.204", "JPIPHTJ2KReferenced", "JPIP HTJ2K Referenced", "Transfer Syntax")
JPIPHTJ2KReferencedDeflate: Final = UID.register("1.2.840.10008.1.2.4.205", "JPIPHTJ2KReferencedDeflate", "JPIP HTJ2K Referenced Deflate", "Transfer Syntax")
RLELossless: Final = UID.register("1.2.840.10008.1.2.5", "RLELossless", "RLE Lossless", "Transfer Syntax")
SMPTEST211020UncompressedProgressiveActiveVideo: Final = UID.register("1.2.840.10008.1.2.7.1", "SMPTEST211020UncompressedProgressiveActiveVideo", "SMPTE ST 2110-20 Uncompressed Progressive Active Video", "Transfer Syntax")
SMPTEST211020UncompressedInterlacedActiveVideo: Final = UID.register("1.2.840.10008.1.2.7.2", "SMPTEST211020UncompressedInterlacedActiveVideo", "SMPTE ST 2110-20 Uncompressed Interlaced Active Video", "Transfer Syntax")
SMPTEST211030PCMDigitalAudio: Final = UID.register("1.2.840.10008.1.2.7.3", "SMPTEST211030PCMDigitalAudio", "SMPTE ST 2110-30 PCM Digital Audio", "Transfer Syntax")
DeflatedImageFrameCompression: Final = UID.register("1.2.840.10008.1.2.8.1", "DeflatedImageFrameCompression", "Deflated Image Frame Compression", "Transfer Syntax")
Papyrus3ImplicitVRLittleEndian: Final = UID.register("1.2.840.10008.1.20", "Papyrus3ImplicitVRLittleEndian", "Papyrus 3 Implicit VR Little Endian", "Transfer Syntax", is_retired=True)

# Older names
VerificationSOPClass: Final = Verification
StorageCommitmentPushModelSOPClass: Final = StorageCommitmentPushModel
ProceduralEventLoggingSOPClass: Final = ProceduralEventLogging
SubstanceAdministrationLoggingSOPClass: Final = SubstanceAdministrationLogging
ModalityPerformedProcedureStepSOPClass: Final = ModalityPerformedProcedureStep
ModalityPerformedProcedureStepRetrieveSOPClass: Final = ModalityPerformedProcedureStepRetrieve
ModalityPerformedProcedureStepNotificationSOPClass: Final = ModalityPerformedProcedureStepNotification
BasicFilmSessionSOPClass: Final = BasicFilmSession
BasicFilmBoxSOPClass: Final = BasicFilmBox
BasicGrayscaleImageBoxSOPClass: Final = BasicGrayscaleImageBox
BasicColorImageBoxSOPClass: Final = BasicColorImageBox
BasicGrayscalePrintManagementMetaSOPClass: Final = BasicGrayscalePrintManagementMeta
PrintJobSOPClass: Final = PrintJob
BasicAnnotationBoxSOPClass: Final = BasicAnnotationBox
PrinterSOPClass: Final = Printer
PrinterConfigurationRetrievalSOPClass: Final = PrinterConfigurationRetrieval
BasicColorPrintManagementMetaSOPClass: Final = BasicColorPrintManagementMeta
VOILUTBoxSOPClass: Final = VOILUTBox
PresentationLUTSOPClass: Final = PresentationLUT
MediaCreationManagementSOPClass: Final = MediaCreationManagement
DisplaySystemSOPClass: Final = DisplaySystem
DigitalXRayImagePresentationStorage: Final = DigitalXRayImageStorageForPresentation
DigitalXRayImageProcessingStorage: Final = DigitalXRayImageStorageForProcessing
DigitalMammographyXRayImagePresentationStorage: Final = DigitalMammographyXRayImageStorageForPresentation
DigitalMammographyXRayImageProcessingStorage: Final = DigitalMammographyXRayImageStorageForProcessing
DigitalIntraOralXRayImagePresentationStorage: Final = DigitalIntraOralXRayImageStorageForPresentation
DigitalIntraOralXRayImageProcessingStorage: Final = DigitalIntraOralXRayImageStorageForProcessing
UltrasoundMultiframeImageStorage: Final = UltrasoundMultiFrameImageStorage
MultiframeSingleBitSecondaryCaptureImageStorage: Final = MultiFrameSingleBitSecondaryCaptureImageStorage
MultiframeGrayscaleByteSecondaryCaptureImageStorage: Final = MultiFrameGrayscaleByteSecondaryCaptureImageStorage
MultiframeGrayscaleWordSecondaryCaptureImageStorage: Final = MultiFrameGrayscaleWordSecondaryCaptureImageStorage
MultiframeTrueColorSecondaryCaptureImageStorage: Final = MultiFrameTrueColorSecondaryCaptureImageStorage
PseudoColorSoftcopyPresentationStageStorage: Final = PseudoColorSoftcopyPresentationStateStorage
PseudocolorSoftcopyPresentationStageStorage: Final = PseudoColorSoftcopyPresentationStateStorage
VariableModalityLUTSoftcopyPresentationStageStorage: Final = VariableModalityLUTSoftcopyPresentationStateStorage
BreastProjectionXRayImagePresentationStorage: Final = BreastProjectionXRayImageStorageForPresentation
BreastProjectionXRayImageProcessingStorage: Final = BreastProjectionXRayImageStorageForProcessing
IntravascularOpticalCoherenceTomographyImagePresentationStorage: Final = IntravascularOpticalCoherenceTomographyImageStorageForPresentation
IntravascularOpticalCoherenceTomographyImageProcessingStorage: Final = IntravascularOpticalCoherenceTomographyImageStorageForProcessing
OphthlamicOpticalCoherenceTomographyBScanVolumeAnalysisStorage: Final = OphthalmicOpticalCoherenceTomographyBscanVolumeAnalysisStorage
OphthlamicOpticalCoherenceTomographyBscanVolumeAnalysisStorage: Final = OphthalmicOpticalCoherenceTomographyBscanVolumeAnalysisStorage
MacularGridThicknessAndVolumeReport: Final = MacularGridThicknessAndVolumeReportStorage
ProcedureSRStorage: Final = ProcedureLogStorage
KeyObjectSelectionStorage: Final = KeyObjectSelectionDocumentStorage
PerformedImagingAgestAdministrationSRStorage: Final = PerformedImagingAgentAdministrationSRStorage
RoboticArmRadiationRecordStorage: Final = RoboticRadiationRecordStorage
ModalityWorklistInformationFind: Final = ModalityWorklistInformationModelFind
InstanceAvailabilityNotificationSOPClass: Final = InstanceAvailabilityNotification
UnifiedProcedureStepPushSOPClass: Final = UnifiedProcedureStepPush
UnifiedProcedureStepWatchSOPClass: Final = UnifiedProcedureStepWatch
UnifiedProcedureStepPullSOPClass: Final = UnifiedProcedureStepPull
UnifiedProcedureStepEventSOPClass: Final = UnifiedProcedureStepEvent
UnifiedProcedureStepQuerySOPClass: Final = UnifiedProcedureStepQuery
RTBrachyApplicationSetupDeliveryInstructionsStorage: Final = RTBrachyApplicationSetupDeliveryInstructionStorage
ColorPaletteInformationModelFind: Final = ColorPaletteQueryRetrieveInformationModelFind
ColorPaletteInformationModelMove: Final = ColorPaletteQueryRetrieveInformationModelMove
ColorPaletteInformationModelGet: Final = ColorPaletteQueryRetrieveInformationModelGet
ProductCharacteristicsQuerySOPClass: Final = ProductCharacteristicsQuery
ProductCharacteristicsQueryInformationModelFind: Final = ProductCharacteristicsQuery
SubstanceApprovalQuerySOPClass: Final = SubstanceApprovalQuery
SubstanceApprovalQueryInformationModelFind: Final = SubstanceApprovalQuery
StorageCommitmentPushModelSOPInstance: Final = StorageCommitmentPushModelInstance
ProceduralEventLoggingSOPInstance: Final = ProceduralEventLoggingInstance
SubstanceAdministrationLoggingSOPInstance: Final = SubstanceAdministrationLoggingInstance
PrinterSOPInstance: Final = PrinterInstance
PrinterConfigurationRetrievalSOPInstance: Final = PrinterConfigurationRetrievalInstance
DisplaySystemSOPInstance: Final = DisplaySystemInstance
StorageManagementSOPInstance: Final = StorageManagementInstance
UPSGlobalSubscriptionSOPInstance: Final = UPSGlobalSubscriptionInstance
UPSFilteredGlobalSubscriptionSOPInstance: Final = UPSFilteredGlobalSubscriptionInstance

# The UIDs in these are plain str: other keys would slow down every look-up of what was received.
STORED: Final = (STORAGE, NON_PATIENT_OBJECT_STORAGE)
STORAGE_SOP_CLASSES: Final = {uid: row.keyword for uid, row in UID.registered.items() if row.service_class in STORED}
TRANSFER_SYNTAXES: Final = {uid: row.keyword for uid, row in UID.registered.items() if row.type == "Transfer Syntax"}
SERVICE_CLASSES: Final = {uid: row.service_class for uid, row in UID.registered.items() if row.service_class}


def uid_to_sop_class(uid: str) -> UID:
    """The SOP class of a UID, with its name and service where they are known."""
    return UID(uid)


def uid_to_service_class(uid: str) -> str:
    """The name of the service class (PS3.4) of a SOP class; "" where none is known."""
    return SERVICE_CLASSES.get(uid, "")


def may_be_storage(uid: str) -> bool:
    """Whether instances are stored under this SOP class, or the standard does not know it: it may be a private one."""
    return SERVICE_CLASSES.get(uid, STORAGE) in STORED


def register_uid(uid: str, keyword: str, service_class: str) -> None:
    """Make a private SOP class known to the services, and importable from here by its keyword.

    `service_class` is one of the names above, STORAGE for example. Raises ValueError where it is none of them, where
    `keyword` is no name that Python can import, and where another UID has it.
    """
    if service_class not in SERVICE_CLASSES.values():
        raise ValueError(f"{service_class!r} is no service class")
    if not keyword.isidentifier() or iskeyword(keyword):
        raise ValueError(f"{keyword!r} is no name that Python can import")
    if globals().get(keyword, uid) != uid:
        raise ValueError(f"{keyword} is the name of something else")
    globals()[keyword] = UID.register(uid, keyword, keyword, "SOP Class", service_class)
    SERVICE_CLASSES[uid] = service_class
    if service_class in STORED:
        STORAGE_SOP_CLASSES[uid] = keyword
