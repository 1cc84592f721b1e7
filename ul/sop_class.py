"""UIDs of SOP classes and transfer syntaxes, by the keywords of PS3.6.

Written by scripts/make_tables.py from pydicom 3.0.2: change the script, not this file. Nothing else belongs here.
"""
# ruff: noqa: E501

from typing import Final

# PS3.4 Annex A
Verification: Final = "1.2.840.10008.1.1"

# PS3.4 Annexes B and GG
StoredPrintStorage: Final = "1.2.840.10008.5.1.1.27"
HardcopyGrayscaleImageStorage: Final = "1.2.840.10008.5.1.1.29"
HardcopyColorImageStorage: Final = "1.2.840.10008.5.1.1.30"
ComputedRadiographyImageStorage: Final = "1.2.840.10008.5.1.4.1.1.1"
DigitalXRayImageStorageForPresentation: Final = "1.2.840.10008.5.1.4.1.1.1.1"
DigitalXRayImageStorageForProcessing: Final = "1.2.840.10008.5.1.4.1.1.1.1.1"
DigitalMammographyXRayImageStorageForPresentation: Final = "1.2.840.10008.5.1.4.1.1.1.2"
DigitalMammographyXRayImageStorageForProcessing: Final = "1.2.840.10008.5.1.4.1.1.1.2.1"
DigitalIntraOralXRayImageStorageForPresentation: Final = "1.2.840.10008.5.1.4.1.1.1.3"
DigitalIntraOralXRayImageStorageForProcessing: Final = "1.2.840.10008.5.1.4.1.1.1.3.1"
CTImageStorage: Final = "1.2.840.10008.5.1.4.1.1.2"
EnhancedCTImageStorage: Final = "1.2.840.10008.5.1.4.1.1.2.1"
LegacyConvertedEnhancedCTImageStorage: Final = "1.2.840.10008.5.1.4.1.1.2.2"
UltrasoundMultiFrameImageStorageRetired: Final = "1.2.840.10008.5.1.4.1.1.3"
UltrasoundMultiFrameImageStorage: Final = "1.2.840.10008.5.1.4.1.1.3.1"
MRImageStorage: Final = "1.2.840.10008.5.1.4.1.1.4"
EnhancedMRImageStorage: Final = "1.2.840.10008.5.1.4.1.1.4.1"
MRSpectroscopyStorage: Final = "1.2.840.10008.5.1.4.1.1.4.2"
EnhancedMRColorImageStorage: Final = "1.2.840.10008.5.1.4.1.1.4.3"
LegacyConvertedEnhancedMRImageStorage: Final = "1.2.840.10008.5.1.4.1.1.4.4"
NuclearMedicineImageStorageRetired: Final = "1.2.840.10008.5.1.4.1.1.5"
UltrasoundImageStorageRetired: Final = "1.2.840.10008.5.1.4.1.1.6"
UltrasoundImageStorage: Final = "1.2.840.10008.5.1.4.1.1.6.1"
EnhancedUSVolumeStorage: Final = "1.2.840.10008.5.1.4.1.1.6.2"
PhotoacousticImageStorage: Final = "1.2.840.10008.5.1.4.1.1.6.3"
SecondaryCaptureImageStorage: Final = "1.2.840.10008.5.1.4.1.1.7"
MultiFrameSingleBitSecondaryCaptureImageStorage: Final = "1.2.840.10008.5.1.4.1.1.7.1"
MultiFrameGrayscaleByteSecondaryCaptureImageStorage: Final = "1.2.840.10008.5.1.4.1.1.7.2"
MultiFrameGrayscaleWordSecondaryCaptureImageStorage: Final = "1.2.840.10008.5.1.4.1.1.7.3"
MultiFrameTrueColorSecondaryCaptureImageStorage: Final = "1.2.840.10008.5.1.4.1.1.7.4"
StandaloneOverlayStorage: Final = "1.2.840.10008.5.1.4.1.1.8"
StandaloneCurveStorage: Final = "1.2.840.10008.5.1.4.1.1.9"
WaveformStorageTrial: Final = "1.2.840.10008.5.1.4.1.1.9.1"
TwelveLeadECGWaveformStorage: Final = "1.2.840.10008.5.1.4.1.1.9.1.1"
GeneralECGWaveformStorage: Final = "1.2.840.10008.5.1.4.1.1.9.1.2"
AmbulatoryECGWaveformStorage: Final = "1.2.840.10008.5.1.4.1.1.9.1.3"
General32bitECGWaveformStorage: Final = "1.2.840.10008.5.1.4.1.1.9.1.4"
HemodynamicWaveformStorage: Final = "1.2.840.10008.5.1.4.1.1.9.2.1"
CardiacElectrophysiologyWaveformStorage: Final = "1.2.840.10008.5.1.4.1.1.9.3.1"
BasicVoiceAudioWaveformStorage: Final = "1.2.840.10008.5.1.4.1.1.9.4.1"
GeneralAudioWaveformStorage: Final = "1.2.840.10008.5.1.4.1.1.9.4.2"
ArterialPulseWaveformStorage: Final = "1.2.840.10008.5.1.4.1.1.9.5.1"
RespiratoryWaveformStorage: Final = "1.2.840.10008.5.1.4.1.1.9.6.1"
MultichannelRespiratoryWaveformStorage: Final = "1.2.840.10008.5.1.4.1.1.9.6.2"
RoutineScalpElectroencephalogramWaveformStorage: Final = "1.2.840.10008.5.1.4.1.1.9.7.1"
ElectromyogramWaveformStorage: Final = "1.2.840.10008.5.1.4.1.1.9.7.2"
ElectrooculogramWaveformStorage: Final = "1.2.840.10008.5.1.4.1.1.9.7.3"
SleepElectroencephalogramWaveformStorage: Final = "1.2.840.10008.5.1.4.1.1.9.7.4"
BodyPositionWaveformStorage: Final = "1.2.840.10008.5.1.4.1.1.9.8.1"
WaveformPresentationStateStorage: Final = "1.2.840.10008.5.1.4.1.1.9.100.1"
WaveformAcquisitionPresentationStateStorage: Final = "1.2.840.10008.5.1.4.1.1.9.100.2"
StandaloneModalityLUTStorage: Final = "1.2.840.10008.5.1.4.1.1.10"
StandaloneVOILUTStorage: Final = "1.2.840.10008.5.1.4.1.1.11"
GrayscaleSoftcopyPresentationStateStorage: Final = "1.2.840.10008.5.1.4.1.1.11.1"
ColorSoftcopyPresentationStateStorage: Final = "1.2.840.10008.5.1.4.1.1.11.2"
PseudoColorSoftcopyPresentationStateStorage: Final = "1.2.840.10008.5.1.4.1.1.11.3"
BlendingSoftcopyPresentationStateStorage: Final = "1.2.840.10008.5.1.4.1.1.11.4"
XAXRFGrayscaleSoftcopyPresentationStateStorage: Final = "1.2.840.10008.5.1.4.1.1.11.5"
GrayscalePlanarMPRVolumetricPresentationStateStorage: Final = "1.2.840.10008.5.1.4.1.1.11.6"
CompositingPlanarMPRVolumetricPresentationStateStorage: Final = "1.2.840.10008.5.1.4.1.1.11.7"
AdvancedBlendingPresentationStateStorage: Final = "1.2.840.10008.5.1.4.1.1.11.8"
VolumeRenderingVolumetricPresentationStateStorage: Final = "1.2.840.10008.5.1.4.1.1.11.9"
SegmentedVolumeRenderingVolumetricPresentationStateStorage: Final = "1.2.840.10008.5.1.4.1.1.11.10"
MultipleVolumeRenderingVolumetricPresentationStateStorage: Final = "1.2.840.10008.5.1.4.1.1.11.11"
VariableModalityLUTSoftcopyPresentationStateStorage: Final = "1.2.840.10008.5.1.4.1.1.11.12"
XRayAngiographicImageStorage: Final = "1.2.840.10008.5.1.4.1.1.12.1"
EnhancedXAImageStorage: Final = "1.2.840.10008.5.1.4.1.1.12.1.1"
XRayRadiofluoroscopicImageStorage: Final = "1.2.840.10008.5.1.4.1.1.12.2"
EnhancedXRFImageStorage: Final = "1.2.840.10008.5.1.4.1.1.12.2.1"
XRayAngiographicBiPlaneImageStorage: Final = "1.2.840.10008.5.1.4.1.1.12.3"
XRay3DAngiographicImageStorage: Final = "1.2.840.10008.5.1.4.1.1.13.1.1"
XRay3DCraniofacialImageStorage: Final = "1.2.840.10008.5.1.4.1.1.13.1.2"
BreastTomosynthesisImageStorage: Final = "1.2.840.10008.5.1.4.1.1.13.1.3"
BreastProjectionXRayImageStorageForPresentation: Final = "1.2.840.10008.5.1.4.1.1.13.1.4"
BreastProjectionXRayImageStorageForProcessing: Final = "1.2.840.10008.5.1.4.1.1.13.1.5"
IntravascularOpticalCoherenceTomographyImageStorageForPresentation: Final = "1.2.840.10008.5.1.4.1.1.14.1"
IntravascularOpticalCoherenceTomographyImageStorageForProcessing: Final = "1.2.840.10008.5.1.4.1.1.14.2"
NuclearMedicineImageStorage: Final = "1.2.840.10008.5.1.4.1.1.20"
ParametricMapStorage: Final = "1.2.840.10008.5.1.4.1.1.30"
RawDataStorage: Final = "1.2.840.10008.5.1.4.1.1.66"
SpatialRegistrationStorage: Final = "1.2.840.10008.5.1.4.1.1.66.1"
SpatialFiducialsStorage: Final = "1.2.840.10008.5.1.4.1.1.66.2"
DeformableSpatialRegistrationStorage: Final = "1.2.840.10008.5.1.4.1.1.66.3"
SegmentationStorage: Final = "1.2.840.10008.5.1.4.1.1.66.4"
SurfaceSegmentationStorage: Final = "1.2.840.10008.5.1.4.1.1.66.5"
TractographyResultsStorage: Final = "1.2.840.10008.5.1.4.1.1.66.6"
LabelMapSegmentationStorage: Final = "1.2.840.10008.5.1.4.1.1.66.7"
HeightMapSegmentationStorage: Final = "1.2.840.10008.5.1.4.1.1.66.8"
RealWorldValueMappingStorage: Final = "1.2.840.10008.5.1.4.1.1.67"
SurfaceScanMeshStorage: Final = "1.2.840.10008.5.1.4.1.1.68.1"
SurfaceScanPointCloudStorage: Final = "1.2.840.10008.5.1.4.1.1.68.2"
VLImageStorageTrial: Final = "1.2.840.10008.5.1.4.1.1.77.1"
VLEndoscopicImageStorage: Final = "1.2.840.10008.5.1.4.1.1.77.1.1"
VideoEndoscopicImageStorage: Final = "1.2.840.10008.5.1.4.1.1.77.1.1.1"
VLMicroscopicImageStorage: Final = "1.2.840.10008.5.1.4.1.1.77.1.2"
VideoMicroscopicImageStorage: Final = "1.2.840.10008.5.1.4.1.1.77.1.2.1"
VLSlideCoordinatesMicroscopicImageStorage: Final = "1.2.840.10008.5.1.4.1.1.77.1.3"
VLPhotographicImageStorage: Final = "1.2.840.10008.5.1.4.1.1.77.1.4"
VideoPhotographicImageStorage: Final = "1.2.840.10008.5.1.4.1.1.77.1.4.1"
OphthalmicPhotography8BitImageStorage: Final = "1.2.840.10008.5.1.4.1.1.77.1.5.1"
OphthalmicPhotography16BitImageStorage: Final = "1.2.840.10008.5.1.4.1.1.77.1.5.2"
StereometricRelationshipStorage: Final = "1.2.840.10008.5.1.4.1.1.77.1.5.3"
OphthalmicTomographyImageStorage: Final = "1.2.840.10008.5.1.4.1.1.77.1.5.4"
WideFieldOphthalmicPhotographyStereographicProjectionImageStorage: Final = "1.2.840.10008.5.1.4.1.1.77.1.5.5"
WideFieldOphthalmicPhotography3DCoordinatesImageStorage: Final = "1.2.840.10008.5.1.4.1.1.77.1.5.6"
OphthalmicOpticalCoherenceTomographyEnFaceImageStorage: Final = "1.2.840.10008.5.1.4.1.1.77.1.5.7"
OphthalmicOpticalCoherenceTomographyBscanVolumeAnalysisStorage: Final = "1.2.840.10008.5.1.4.1.1.77.1.5.8"
VLWholeSlideMicroscopyImageStorage: Final = "1.2.840.10008.5.1.4.1.1.77.1.6"
DermoscopicPhotographyImageStorage: Final = "1.2.840.10008.5.1.4.1.1.77.1.7"
ConfocalMicroscopyImageStorage: Final = "1.2.840.10008.5.1.4.1.1.77.1.8"
ConfocalMicroscopyTiledPyramidalImageStorage: Final = "1.2.840.10008.5.1.4.1.1.77.1.9"
VLMultiFrameImageStorageTrial: Final = "1.2.840.10008.5.1.4.1.1.77.2"
LensometryMeasurementsStorage: Final = "1.2.840.10008.5.1.4.1.1.78.1"
AutorefractionMeasurementsStorage: Final = "1.2.840.10008.5.1.4.1.1.78.2"
KeratometryMeasurementsStorage: Final = "1.2.840.10008.5.1.4.1.1.78.3"
SubjectiveRefractionMeasurementsStorage: Final = "1.2.840.10008.5.1.4.1.1.78.4"
VisualAcuityMeasurementsStorage: Final = "1.2.840.10008.5.1.4.1.1.78.5"
SpectaclePrescriptionReportStorage: Final = "1.2.840.10008.5.1.4.1.1.78.6"
OphthalmicAxialMeasurementsStorage: Final = "1.2.840.10008.5.1.4.1.1.78.7"
IntraocularLensCalculationsStorage: Final = "1.2.840.10008.5.1.4.1.1.78.8"
MacularGridThicknessAndVolumeReportStorage: Final = "1.2.840.10008.5.1.4.1.1.79.1"
OphthalmicVisualFieldStaticPerimetryMeasurementsStorage: Final = "1.2.840.10008.5.1.4.1.1.80.1"
OphthalmicThicknessMapStorage: Final = "1.2.840.10008.5.1.4.1.1.81.1"
CornealTopographyMapStorage: Final = "1.2.840.10008.5.1.4.1.1.82.1"
TextSRStorageTrial: Final = "1.2.840.10008.5.1.4.1.1.88.1"
AudioSRStorageTrial: Final = "1.2.840.10008.5.1.4.1.1.88.2"
DetailSRStorageTrial: Final = "1.2.840.10008.5.1.4.1.1.88.3"
ComprehensiveSRStorageTrial: Final = "1.2.840.10008.5.1.4.1.1.88.4"
BasicTextSRStorage: Final = "1.2.840.10008.5.1.4.1.1.88.11"
EnhancedSRStorage: Final = "1.2.840.10008.5.1.4.1.1.88.22"
ComprehensiveSRStorage: Final = "1.2.840.10008.5.1.4.1.1.88.33"
Comprehensive3DSRStorage: Final = "1.2.840.10008.5.1.4.1.1.88.34"
ExtensibleSRStorage: Final = "1.2.840.10008.5.1.4.1.1.88.35"
ProcedureLogStorage: Final = "1.2.840.10008.5.1.4.1.1.88.40"
MammographyCADSRStorage: Final = "1.2.840.10008.5.1.4.1.1.88.50"
KeyObjectSelectionDocumentStorage: Final = "1.2.840.10008.5.1.4.1.1.88.59"
ChestCADSRStorage: Final = "1.2.840.10008.5.1.4.1.1.88.65"
XRayRadiationDoseSRStorage: Final = "1.2.840.10008.5.1.4.1.1.88.67"
RadiopharmaceuticalRadiationDoseSRStorage: Final = "1.2.840.10008.5.1.4.1.1.88.68"
ColonCADSRStorage: Final = "1.2.840.10008.5.1.4.1.1.88.69"
ImplantationPlanSRStorage: Final = "1.2.840.10008.5.1.4.1.1.88.70"
AcquisitionContextSRStorage: Final = "1.2.840.10008.5.1.4.1.1.88.71"
SimplifiedAdultEchoSRStorage: Final = "1.2.840.10008.5.1.4.1.1.88.72"
PatientRadiationDoseSRStorage: Final = "1.2.840.10008.5.1.4.1.1.88.73"
PlannedImagingAgentAdministrationSRStorage: Final = "1.2.840.10008.5.1.4.1.1.88.74"
PerformedImagingAgentAdministrationSRStorage: Final = "1.2.840.10008.5.1.4.1.1.88.75"
EnhancedXRayRadiationDoseSRStorage: Final = "1.2.840.10008.5.1.4.1.1.88.76"
WaveformAnnotationSRStorage: Final = "1.2.840.10008.5.1.4.1.1.88.77"
ContentAssessmentResultsStorage: Final = "1.2.840.10008.5.1.4.1.1.90.1"
MicroscopyBulkSimpleAnnotationsStorage: Final = "1.2.840.10008.5.1.4.1.1.91.1"
EncapsulatedPDFStorage: Final = "1.2.840.10008.5.1.4.1.1.104.1"
EncapsulatedCDAStorage: Final = "1.2.840.10008.5.1.4.1.1.104.2"
EncapsulatedSTLStorage: Final = "1.2.840.10008.5.1.4.1.1.104.3"
EncapsulatedOBJStorage: Final = "1.2.840.10008.5.1.4.1.1.104.4"
EncapsulatedMTLStorage: Final = "1.2.840.10008.5.1.4.1.1.104.5"
PositronEmissionTomographyImageStorage: Final = "1.2.840.10008.5.1.4.1.1.128"
LegacyConvertedEnhancedPETImageStorage: Final = "1.2.840.10008.5.1.4.1.1.128.1"
StandalonePETCurveStorage: Final = "1.2.840.10008.5.1.4.1.1.129"
EnhancedPETImageStorage: Final = "1.2.840.10008.5.1.4.1.1.130"
BasicStructuredDisplayStorage: Final = "1.2.840.10008.5.1.4.1.1.131"
CTDefinedProcedureProtocolStorage: Final = "1.2.840.10008.5.1.4.1.1.200.1"
CTPerformedProcedureProtocolStorage: Final = "1.2.840.10008.5.1.4.1.1.200.2"
ProtocolApprovalStorage: Final = "1.2.840.10008.5.1.4.1.1.200.3"
XADefinedProcedureProtocolStorage: Final = "1.2.840.10008.5.1.4.1.1.200.7"
XAPerformedProcedureProtocolStorage: Final = "1.2.840.10008.5.1.4.1.1.200.8"
InventoryStorage: Final = "1.2.840.10008.5.1.4.1.1.201.1"
RTImageStorage: Final = "1.2.840.10008.5.1.4.1.1.481.1"
RTDoseStorage: Final = "1.2.840.10008.5.1.4.1.1.481.2"
RTStructureSetStorage: Final = "1.2.840.10008.5.1.4.1.1.481.3"
RTBeamsTreatmentRecordStorage: Final = "1.2.840.10008.5.1.4.1.1.481.4"
RTPlanStorage: Final = "1.2.840.10008.5.1.4.1.1.481.5"
RTBrachyTreatmentRecordStorage: Final = "1.2.840.10008.5.1.4.1.1.481.6"
RTTreatmentSummaryRecordStorage: Final = "1.2.840.10008.5.1.4.1.1.481.7"
RTIonPlanStorage: Final = "1.2.840.10008.5.1.4.1.1.481.8"
RTIonBeamsTreatmentRecordStorage: Final = "1.2.840.10008.5.1.4.1.1.481.9"
RTPhysicianIntentStorage: Final = "1.2.840.10008.5.1.4.1.1.481.10"
RTSegmentAnnotationStorage: Final = "1.2.840.10008.5.1.4.1.1.481.11"
RTRadiationSetStorage: Final = "1.2.840.10008.5.1.4.1.1.481.12"
CArmPhotonElectronRadiationStorage: Final = "1.2.840.10008.5.1.4.1.1.481.13"
TomotherapeuticRadiationStorage: Final = "1.2.840.10008.5.1.4.1.1.481.14"
RoboticArmRadiationStorage: Final = "1.2.840.10008.5.1.4.1.1.481.15"
RTRadiationRecordSetStorage: Final = "1.2.840.10008.5.1.4.1.1.481.16"
RTRadiationSalvageRecordStorage: Final = "1.2.840.10008.5.1.4.1.1.481.17"
TomotherapeuticRadiationRecordStorage: Final = "1.2.840.10008.5.1.4.1.1.481.18"
CArmPhotonElectronRadiationRecordStorage: Final = "1.2.840.10008.5.1.4.1.1.481.19"
RoboticRadiationRecordStorage: Final = "1.2.840.10008.5.1.4.1.1.481.20"
RTRadiationSetDeliveryInstructionStorage: Final = "1.2.840.10008.5.1.4.1.1.481.21"
RTTreatmentPreparationStorage: Final = "1.2.840.10008.5.1.4.1.1.481.22"
EnhancedRTImageStorage: Final = "1.2.840.10008.5.1.4.1.1.481.23"
EnhancedContinuousRTImageStorage: Final = "1.2.840.10008.5.1.4.1.1.481.24"
RTPatientPositionAcquisitionInstructionStorage: Final = "1.2.840.10008.5.1.4.1.1.481.25"
DICOSCTImageStorage: Final = "1.2.840.10008.5.1.4.1.1.501.1"
DICOSDigitalXRayImageStorageForPresentation: Final = "1.2.840.10008.5.1.4.1.1.501.2.1"
DICOSDigitalXRayImageStorageForProcessing: Final = "1.2.840.10008.5.1.4.1.1.501.2.2"
DICOSThreatDetectionReportStorage: Final = "1.2.840.10008.5.1.4.1.1.501.3"
DICOS2DAITStorage: Final = "1.2.840.10008.5.1.4.1.1.501.4"
DICOS3DAITStorage: Final = "1.2.840.10008.5.1.4.1.1.501.5"
DICOSQuadrupoleResonanceStorage: Final = "1.2.840.10008.5.1.4.1.1.501.6"
EddyCurrentImageStorage: Final = "1.2.840.10008.5.1.4.1.1.601.1"
EddyCurrentMultiFrameImageStorage: Final = "1.2.840.10008.5.1.4.1.1.601.2"
RTBeamsDeliveryInstructionStorageTrial: Final = "1.2.840.10008.5.1.4.34.1"
RTBeamsDeliveryInstructionStorage: Final = "1.2.840.10008.5.1.4.34.7"
RTBrachyApplicationSetupDeliveryInstructionStorage: Final = "1.2.840.10008.5.1.4.34.10"
HangingProtocolStorage: Final = "1.2.840.10008.5.1.4.38.1"
ColorPaletteStorage: Final = "1.2.840.10008.5.1.4.39.1"
GenericImplantTemplateStorage: Final = "1.2.840.10008.5.1.4.43.1"
ImplantAssemblyTemplateStorage: Final = "1.2.840.10008.5.1.4.44.1"
ImplantTemplateGroupStorage: Final = "1.2.840.10008.5.1.4.45.1"

STORAGE_SOP_CLASSES: Final[dict[str, str]] = {
    StoredPrintStorage: "StoredPrintStorage",
    HardcopyGrayscaleImageStorage: "HardcopyGrayscaleImageStorage",
    HardcopyColorImageStorage: "HardcopyColorImageStorage",
    ComputedRadiographyImageStorage: "ComputedRadiographyImageStorage",
    DigitalXRayImageStorageForPresentation: "DigitalXRayImageStorageForPresentation",
    DigitalXRayImageStorageForProcessing: "DigitalXRayImageStorageForProcessing",
    DigitalMammographyXRayImageStorageForPresentation: "DigitalMammographyXRayImageStorageForPresentation",
    DigitalMammographyXRayImageStorageForProcessing: "DigitalMammographyXRayImageStorageForProcessing",
    DigitalIntraOralXRayImageStorageForPresentation: "DigitalIntraOralXRayImageStorageForPresentation",
    DigitalIntraOralXRayImageStorageForProcessing: "DigitalIntraOralXRayImageStorageForProcessing",
    CTImageStorage: "CTImageStorage",
    EnhancedCTImageStorage: "EnhancedCTImageStorage",
    LegacyConvertedEnhancedCTImageStorage: "LegacyConvertedEnhancedCTImageStorage",
    UltrasoundMultiFrameImageStorageRetired: "UltrasoundMultiFrameImageStorageRetired",
    UltrasoundMultiFrameImageStorage: "UltrasoundMultiFrameImageStorage",
    MRImageStorage: "MRImageStorage",
    EnhancedMRImageStorage: "EnhancedMRImageStorage",
    MRSpectroscopyStorage: "MRSpectroscopyStorage",
    EnhancedMRColorImageStorage: "EnhancedMRColorImageStorage",
    LegacyConvertedEnhancedMRImageStorage: "LegacyConvertedEnhancedMRImageStorage",
    NuclearMedicineImageStorageRetired: "NuclearMedicineImageStorageRetired",
    UltrasoundImageStorageRetired: "UltrasoundImageStorageRetired",
    UltrasoundImageStorage: "UltrasoundImageStorage",
    EnhancedUSVolumeStorage: "EnhancedUSVolumeStorage",
    PhotoacousticImageStorage: "PhotoacousticImageStorage",
    SecondaryCaptureImageStorage: "SecondaryCaptureImageStorage",
    MultiFrameSingleBitSecondaryCaptureImageStorage: "MultiFrameSingleBitSecondaryCaptureImageStorage",
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage: "MultiFrameGrayscaleByteSecondaryCaptureImageStorage",
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage: "MultiFrameGrayscaleWordSecondaryCaptureImageStorage",
    MultiFrameTrueColorSecondaryCaptureImageStorage: "MultiFrameTrueColorSecondaryCaptureImageStorage",
    StandaloneOverlayStorage: "StandaloneOverlayStorage",
    StandaloneCurveStorage: "StandaloneCurveStorage",
    WaveformStorageTrial: "WaveformStorageTrial",
    TwelveLeadECGWaveformStorage: "TwelveLeadECGWaveformStorage",
    GeneralECGWaveformStorage: "GeneralECGWaveformStorage",
    AmbulatoryECGWaveformStorage: "AmbulatoryECGWaveformStorage",
    General32bitECGWaveformStorage: "General32bitECGWaveformStorage",
    HemodynamicWaveformStorage: "HemodynamicWaveformStorage",
    CardiacElectrophysiologyWaveformStorage: "CardiacElectrophysiologyWaveformStorage",
    BasicVoiceAudioWaveformStorage: "BasicVoiceAudioWaveformStorage",
    GeneralAudioWaveformStorage: "GeneralAudioWaveformStorage",
    ArterialPulseWaveformStorage: "ArterialPulseWaveformStorage",
    RespiratoryWaveformStorage: "RespiratoryWaveformStorage",
    MultichannelRespiratoryWaveformStorage: "MultichannelRespiratoryWaveformStorage",
    RoutineScalpElectroencephalogramWaveformStorage: "RoutineScalpElectroencephalogramWaveformStorage",
    ElectromyogramWaveformStorage: "ElectromyogramWaveformStorage",
    ElectrooculogramWaveformStorage: "ElectrooculogramWaveformStorage",
    SleepElectroencephalogramWaveformStorage: "SleepElectroencephalogramWaveformStorage",
    BodyPositionWaveformStorage: "BodyPositionWaveformStorage",
    WaveformPresentationStateStorage: "WaveformPresentationStateStorage",
    WaveformAcquisitionPresentationStateStorage: "WaveformAcquisitionPresentationStateStorage",
    StandaloneModalityLUTStorage: "StandaloneModalityLUTStorage",
    StandaloneVOILUTStorage: "StandaloneVOILUTStorage",
    GrayscaleSoftcopyPresentationStateStorage: "GrayscaleSoftcopyPresentationStateStorage",
    ColorSoftcopyPresentationStateStorage: "ColorSoftcopyPresentationStateStorage",
    PseudoColorSoftcopyPresentationStateStorage: "PseudoColorSoftcopyPresentationStateStorage",
    BlendingSoftcopyPresentationStateStorage: "BlendingSoftcopyPresentationStateStorage",
    XAXRFGrayscaleSoftcopyPresentationStateStorage: "XAXRFGrayscaleSoftcopyPresentationStateStorage",
    GrayscalePlanarMPRVolumetricPresentationStateStorage: "GrayscalePlanarMPRVolumetricPresentationStateStorage",
    CompositingPlanarMPRVolumetricPresentationStateStorage: "CompositingPlanarMPRVolumetricPresentationStateStorage",
    AdvancedBlendingPresentationStateStorage: "AdvancedBlendingPresentationStateStorage",
    VolumeRenderingVolumetricPresentationStateStorage: "VolumeRenderingVolumetricPresentationStateStorage",
    SegmentedVolumeRenderingVolumetricPresentationStateStorage: "SegmentedVolumeRenderingVolumetricPresentationStateStorage",
    MultipleVolumeRenderingVolumetricPresentationStateStorage: "MultipleVolumeRenderingVolumetricPresentationStateStorage",
    VariableModalityLUTSoftcopyPresentationStateStorage: "VariableModalityLUTSoftcopyPresentationStateStorage",
    XRayAngiographicImageStorage: "XRayAngiographicImageStorage",
    EnhancedXAImageStorage: "EnhancedXAImageStorage",
    XRayRadiofluoroscopicImageStorage: "XRayRadiofluoroscopicImageStorage",
    EnhancedXRFImageStorage: "EnhancedXRFImageStorage",
    XRayAngiographicBiPlaneImageStorage: "XRayAngiographicBiPlaneImageStorage",
    XRay3DAngiographicImageStorage: "XRay3DAngiographicImageStorage",
    XRay3DCraniofacialImageStorage: "XRay3DCraniofacialImageStorage",
    BreastTomosynthesisImageStorage: "BreastTomosynthesisImageStorage",
    BreastProjectionXRayImageStorageForPresentation: "BreastProjectionXRayImageStorageForPresentation",
    BreastProjectionXRayImageStorageForProcessing: "BreastProjectionXRayImageStorageForProcessing",
    IntravascularOpticalCoherenceTomographyImageStorageForPresentation: "IntravascularOpticalCoherenceTomographyImageStorageForPresentation",
    IntravascularOpticalCoherenceTomographyImageStorageForProcessing: "IntravascularOpticalCoherenceTomographyImageStorageForProcessing",
    NuclearMedicineImageStorage: "NuclearMedicineImageStorage",
    ParametricMapStorage: "ParametricMapStorage",
    RawDataStorage: "RawDataStorage",
    SpatialRegistrationStorage: "SpatialRegistrationStorage",
    SpatialFiducialsStorage: "SpatialFiducialsStorage",
    DeformableSpatialRegistrationStorage: "DeformableSpatialRegistrationStorage",
    SegmentationStorage: "SegmentationStorage",
    SurfaceSegmentationStorage: "SurfaceSegmentationStorage",
    TractographyResultsStorage: "TractographyResultsStorage",
    LabelMapSegmentationStorage: "LabelMapSegmentationStorage",
    HeightMapSegmentationStorage: "HeightMapSegmentationStorage",
    RealWorldValueMappingStorage: "RealWorldValueMappingStorage",
    SurfaceScanMeshStorage: "SurfaceScanMeshStorage",
    SurfaceScanPointCloudStorage: "SurfaceScanPointCloudStorage",
    VLImageStorageTrial: "VLImageStorageTrial",
    VLEndoscopicImageStorage: "VLEndoscopicImageStorage",
    VideoEndoscopicImageStorage: "VideoEndoscopicImageStorage",
    VLMicroscopicImageStorage: "VLMicroscopicImageStorage",
    VideoMicroscopicImageStorage: "VideoMicroscopicImageStorage",
    VLSlideCoordinatesMicroscopicImageStorage: "VLSlideCoordinatesMicroscopicImageStorage",
    VLPhotographicImageStorage: "VLPhotographicImageStorage",
    VideoPhotographicImageStorage: "VideoPhotographicImageStorage",
    OphthalmicPhotography8BitImageStorage: "OphthalmicPhotography8BitImageStorage",
    OphthalmicPhotography16BitImageStorage: "OphthalmicPhotography16BitImageStorage",
    StereometricRelationshipStorage: "StereometricRelationshipStorage",
    OphthalmicTomographyImageStorage: "OphthalmicTomographyImageStorage",
    WideFieldOphthalmicPhotographyStereographicProjectionImageStorage: "WideFieldOphthalmicPhotographyStereographicProjectionImageStorage",
    WideFieldOphthalmicPhotography3DCoordinatesImageStorage: "WideFieldOphthalmicPhotography3DCoordinatesImageStorage",
    OphthalmicOpticalCoherenceTomographyEnFaceImageStorage: "OphthalmicOpticalCoherenceTomographyEnFaceImageStorage",
    OphthalmicOpticalCoherenceTomographyBscanVolumeAnalysisStorage: "OphthalmicOpticalCoherenceTomographyBscanVolumeAnalysisStorage",
    VLWholeSlideMicroscopyImageStorage: "VLWholeSlideMicroscopyImageStorage",
    DermoscopicPhotographyImageStorage: "DermoscopicPhotographyImageStorage",
    ConfocalMicroscopyImageStorage: "ConfocalMicroscopyImageStorage",
    ConfocalMicroscopyTiledPyramidalImageStorage: "ConfocalMicroscopyTiledPyramidalImageStorage",
    VLMultiFrameImageStorageTrial: "VLMultiFrameImageStorageTrial",
    LensometryMeasurementsStorage: "LensometryMeasurementsStorage",
    AutorefractionMeasurementsStorage: "AutorefractionMeasurementsStorage",
    KeratometryMeasurementsStorage: "KeratometryMeasurementsStorage",
    SubjectiveRefractionMeasurementsStorage: "SubjectiveRefractionMeasurementsStorage",
    VisualAcuityMeasurementsStorage: "VisualAcuityMeasurementsStorage",
    SpectaclePrescriptionReportStorage: "SpectaclePrescriptionReportStorage",
    OphthalmicAxialMeasurementsStorage: "OphthalmicAxialMeasurementsStorage",
    IntraocularLensCalculationsStorage: "IntraocularLensCalculationsStorage",
    MacularGridThicknessAndVolumeReportStorage: "MacularGridThicknessAndVolumeReportStorage",
    OphthalmicVisualFieldStaticPerimetryMeasurementsStorage: "OphthalmicVisualFieldStaticPerimetryMeasurementsStorage",
    OphthalmicThicknessMapStorage: "OphthalmicThicknessMapStorage",
    CornealTopographyMapStorage: "CornealTopographyMapStorage",
    TextSRStorageTrial: "TextSRStorageTrial",
    AudioSRStorageTrial: "AudioSRStorageTrial",
    DetailSRStorageTrial: "DetailSRStorageTrial",
    ComprehensiveSRStorageTrial: "ComprehensiveSRStorageTrial",
    BasicTextSRStorage: "BasicTextSRStorage",
    EnhancedSRStorage: "EnhancedSRStorage",
    ComprehensiveSRStorage: "ComprehensiveSRStorage",
    Comprehensive3DSRStorage: "Comprehensive3DSRStorage",
    ExtensibleSRStorage: "ExtensibleSRStorage",
    ProcedureLogStorage: "ProcedureLogStorage",
    MammographyCADSRStorage: "MammographyCADSRStorage",
    KeyObjectSelectionDocumentStorage: "KeyObjectSelectionDocumentStorage",
    ChestCADSRStorage: "ChestCADSRStorage",
    XRayRadiationDoseSRStorage: "XRayRadiationDoseSRStorage",
    RadiopharmaceuticalRadiationDoseSRStorage: "RadiopharmaceuticalRadiationDoseSRStorage",
    ColonCADSRStorage: "ColonCADSRStorage",
    ImplantationPlanSRStorage: "ImplantationPlanSRStorage",
    AcquisitionContextSRStorage: "AcquisitionContextSRStorage",
    SimplifiedAdultEchoSRStorage: "SimplifiedAdultEchoSRStorage",
    PatientRadiationDoseSRStorage: "PatientRadiationDoseSRStorage",
    PlannedImagingAgentAdministrationSRStorage: "PlannedImagingAgentAdministrationSRStorage",
    PerformedImagingAgentAdministrationSRStorage: "PerformedImagingAgentAdministrationSRStorage",
    EnhancedXRayRadiationDoseSRStorage: "EnhancedXRayRadiationDoseSRStorage",
    WaveformAnnotationSRStorage: "WaveformAnnotationSRStorage",
    ContentAssessmentResultsStorage: "ContentAssessmentResultsStorage",
    MicroscopyBulkSimpleAnnotationsStorage: "MicroscopyBulkSimpleAnnotationsStorage",
    EncapsulatedPDFStorage: "EncapsulatedPDFStorage",
    EncapsulatedCDAStorage: "EncapsulatedCDAStorage",
    EncapsulatedSTLStorage: "EncapsulatedSTLStorage",
    EncapsulatedOBJStorage: "EncapsulatedOBJStorage",
    EncapsulatedMTLStorage: "EncapsulatedMTLStorage",
    PositronEmissionTomographyImageStorage: "PositronEmissionTomographyImageStorage",
    LegacyConvertedEnhancedPETImageStorage: "LegacyConvertedEnhancedPETImageStorage",
    StandalonePETCurveStorage: "StandalonePETCurveStorage",
    EnhancedPETImageStorage: "EnhancedPETImageStorage",
    BasicStructuredDisplayStorage: "BasicStructuredDisplayStorage",
    CTDefinedProcedureProtocolStorage: "CTDefinedProcedureProtocolStorage",
    CTPerformedProcedureProtocolStorage: "CTPerformedProcedureProtocolStorage",
    ProtocolApprovalStorage: "ProtocolApprovalStorage",
    XADefinedProcedureProtocolStorage: "XADefinedProcedureProtocolStorage",
    XAPerformedProcedureProtocolStorage: "XAPerformedProcedureProtocolStorage",
    InventoryStorage: "InventoryStorage",
    RTImageStorage: "RTImageStorage",
    RTDoseStorage: "RTDoseStorage",
    RTStructureSetStorage: "RTStructureSetStorage",
    RTBeamsTreatmentRecordStorage: "RTBeamsTreatmentRecordStorage",
    RTPlanStorage: "RTPlanStorage",
    RTBrachyTreatmentRecordStorage: "RTBrachyTreatmentRecordStorage",
    RTTreatmentSummaryRecordStorage: "RTTreatmentSummaryRecordStorage",
    RTIonPlanStorage: "RTIonPlanStorage",
    RTIonBeamsTreatmentRecordStorage: "RTIonBeamsTreatmentRecordStorage",
    RTPhysicianIntentStorage: "RTPhysicianIntentStorage",
    RTSegmentAnnotationStorage: "RTSegmentAnnotationStorage",
    RTRadiationSetStorage: "RTRadiationSetStorage",
    CArmPhotonElectronRadiationStorage: "CArmPhotonElectronRadiationStorage",
    TomotherapeuticRadiationStorage: "TomotherapeuticRadiationStorage",
    RoboticArmRadiationStorage: "RoboticArmRadiationStorage",
    RTRadiationRecordSetStorage: "RTRadiationRecordSetStorage",
    RTRadiationSalvageRecordStorage: "RTRadiationSalvageRecordStorage",
    TomotherapeuticRadiationRecordStorage: "TomotherapeuticRadiationRecordStorage",
    CArmPhotonElectronRadiationRecordStorage: "CArmPhotonElectronRadiationRecordStorage",
    RoboticRadiationRecordStorage: "RoboticRadiationRecordStorage",
    RTRadiationSetDeliveryInstructionStorage: "RTRadiationSetDeliveryInstructionStorage",
    RTTreatmentPreparationStorage: "RTTreatmentPreparationStorage",
    EnhancedRTImageStorage: "EnhancedRTImageStorage",
    EnhancedContinuousRTImageStorage: "EnhancedContinuousRTImageStorage",
    RTPatientPositionAcquisitionInstructionStorage: "RTPatientPositionAcquisitionInstructionStorage",
    DICOSCTImageStorage: "DICOSCTImageStorage",
    DICOSDigitalXRayImageStorageForPresentation: "DICOSDigitalXRayImageStorageForPresentation",
    DICOSDigitalXRayImageStorageForProcessing: "DICOSDigitalXRayImageStorageForProcessing",
    DICOSThreatDetectionReportStorage: "DICOSThreatDetectionReportStorage",
    DICOS2DAITStorage: "DICOS2DAITStorage",
    DICOS3DAITStorage: "DICOS3DAITStorage",
    DICOSQuadrupoleResonanceStorage: "DICOSQuadrupoleResonanceStorage",
    EddyCurrentImageStorage: "EddyCurrentImageStorage",
    EddyCurrentMultiFrameImageStorage: "EddyCurrentMultiFrameImageStorage",
    RTBeamsDeliveryInstructionStorageTrial: "RTBeamsDeliveryInstructionStorageTrial",
    RTBeamsDeliveryInstructionStorage: "RTBeamsDeliveryInstructionStorage",
    RTBrachyApplicationSetupDeliveryInstructionStorage: "RTBrachyApplicationSetupDeliveryInstructionStorage",
    HangingProtocolStorage: "HangingProtocolStorage",
    ColorPaletteStorage: "ColorPaletteStorage",
    GenericImplantTemplateStorage: "GenericImplantTemplateStorage",
    ImplantAssemblyTemplateStorage: "ImplantAssemblyTemplateStorage",
    ImplantTemplateGroupStorage: "ImplantTemplateGroupStorage",
}

# PS3.5 Annex A
ImplicitVRLittleEndian: Final = "1.2.840.10008.1.2"
ExplicitVRLittleEndian: Final = "1.2.840.10008.1.2.1"
EncapsulatedUncompressedExplicitVRLittleEndian: Final = "1.2.840.10008.1.2.1.98"
DeflatedExplicitVRLittleEndian: Final = "1.2.840.10008.1.2.1.99"
ExplicitVRBigEndian: Final = "1.2.840.10008.1.2.2"
JPEGBaseline8Bit: Final = "1.2.840.10008.1.2.4.50"
JPEGExtended12Bit: Final = "1.2.840.10008.1.2.4.51"
JPEGExtended35: Final = "1.2.840.10008.1.2.4.52"
JPEGSpectralSelectionNonHierarchical68: Final = "1.2.840.10008.1.2.4.53"
JPEGSpectralSelectionNonHierarchical79: Final = "1.2.840.10008.1.2.4.54"
JPEGFullProgressionNonHierarchical1012: Final = "1.2.840.10008.1.2.4.55"
JPEGFullProgressionNonHierarchical1113: Final = "1.2.840.10008.1.2.4.56"
JPEGLossless: Final = "1.2.840.10008.1.2.4.57"
JPEGLosslessNonHierarchical15: Final = "1.2.840.10008.1.2.4.58"
JPEGExtendedHierarchical1618: Final = "1.2.840.10008.1.2.4.59"
JPEGExtendedHierarchical1719: Final = "1.2.840.10008.1.2.4.60"
JPEGSpectralSelectionHierarchical2022: Final = "1.2.840.10008.1.2.4.61"
JPEGSpectralSelectionHierarchical2123: Final = "1.2.840.10008.1.2.4.62"
JPEGFullProgressionHierarchical2426: Final = "1.2.840.10008.1.2.4.63"
JPEGFullProgressionHierarchical2527: Final = "1.2.840.10008.1.2.4.64"
JPEGLosslessHierarchical28: Final = "1.2.840.10008.1.2.4.65"
JPEGLosslessHierarchical29: Final = "1.2.840.10008.1.2.4.66"
JPEGLosslessSV1: Final = "1.2.840.10008.1.2.4.70"
JPEGLSLossless: Final = "1.2.840.10008.1.2.4.80"
JPEGLSNearLossless: Final = "1.2.840.10008.1.2.4.81"
JPEG2000Lossless: Final = "1.2.840.10008.1.2.4.90"
JPEG2000: Final = "1.2.840.10008.1.2.4.91"
JPEG2000MCLossless: Final = "1.2.840.10008.1.2.4.92"
JPEG2000MC: Final = "1.2.840.10008.1.2.4.93"
JPIPReferenced: Final = "1.2.840.10008.1.2.4.94"
JPIPReferencedDeflate: Final = "1.2.840.10008.1.2.4.95"
MPEG2MPML: Final = "1.2.840.10008.1.2.4.100"
MPEG2MPMLF: Final = "1.2.840.10008.1.2.4.100.1"
MPEG2MPHL: Final = "1.2.840.10008.1.2.4.101"
MPEG2MPHLF: Final = "1.2.840.10008.1.2.4.101.1"
MPEG4HP41: Final = "1.2.840.10008.1.2.4.102"
MPEG4HP41F: Final = "1.2.840.10008.1.2.4.102.1"
MPEG4HP41BD: Final = "1.2.840.10008.1.2.4.103"
MPEG4HP41BDF: Final = "1.2.840.10008.1.2.4.103.1"
MPEG4HP422D: Final = "1.2.840.10008.1.2.4.104"
MPEG4HP422DF: Final = "1.2.840.10008.1.2.4.104.1"
MPEG4HP423D: Final = "1.2.840.10008.1.2.4.105"
MPEG4HP423DF: Final = "1.2.840.10008.1.2.4.105.1"
MPEG4HP42STEREO: Final = "1.2.840.10008.1.2.4.106"
MPEG4HP42STEREOF: Final = "1.2.840.10008.1.2.4.106.1"
HEVCMP51: Final = "1.2.840.10008.1.2.4.107"
HEVCM10P51: Final = "1.2.840.10008.1.2.4.108"
JPEGXLLossless: Final = "1.2.840.10008.1.2.4.110"
JPEGXLJPEGRecompression: Final = "1.2.840.10008.1.2.4.111"
JPEGXL: Final = "1.2.840.10008.1.2.4.112"
HTJ2KLossless: Final = "1.2.840.10008.1.2.4.201"
HTJ2KLosslessRPCL: Final = "1.2.840.10008.1.2.4.202"
HTJ2K: Final = "1.2.840.10008.1.2.4.203"
JPIPHTJ2KReferenced: Final = "1.2.840.10008.1.2.4.204"
JPIPHTJ2KReferencedDeflate: Final = "1.2.840.10008.1.2.4.205"
RLELossless: Final = "1.2.840.10008.1.2.5"
SMPTEST211020UncompressedProgressiveActiveVideo: Final = "1.2.840.10008.1.2.7.1"
SMPTEST211020UncompressedInterlacedActiveVideo: Final = "1.2.840.10008.1.2.7.2"
SMPTEST211030PCMDigitalAudio: Final = "1.2.840.10008.1.2.7.3"
DeflatedImageFrameCompression: Final = "1.2.840.10008.1.2.8.1"
Papyrus3ImplicitVRLittleEndian: Final = "1.2.840.10008.1.20"

TRANSFER_SYNTAXES: Final[dict[str, str]] = {
    ImplicitVRLittleEndian: "ImplicitVRLittleEndian",
    ExplicitVRLittleEndian: "ExplicitVRLittleEndian",
    EncapsulatedUncompressedExplicitVRLittleEndian: "EncapsulatedUncompressedExplicitVRLittleEndian",
    DeflatedExplicitVRLittleEndian: "DeflatedExplicitVRLittleEndian",
    ExplicitVRBigEndian: "ExplicitVRBigEndian",
    JPEGBaseline8Bit: "JPEGBaseline8Bit",
    JPEGExtended12Bit: "JPEGExtended12Bit",
    JPEGExtended35: "JPEGExtended35",
    JPEGSpectralSelectionNonHierarchical68: "JPEGSpectralSelectionNonHierarchical68",
    JPEGSpectralSelectionNonHierarchical79: "JPEGSpectralSelectionNonHierarchical79",
    JPEGFullProgressionNonHierarchical1012: "JPEGFullProgressionNonHierarchical1012",
    JPEGFullProgressionNonHierarchical1113: "JPEGFullProgressionNonHierarchical1113",
    JPEGLossless: "JPEGLossless",
    JPEGLosslessNonHierarchical15: "JPEGLosslessNonHierarchical15",
    JPEGExtendedHierarchical1618: "JPEGExtendedHierarchical1618",
    JPEGExtendedHierarchical1719: "JPEGExtendedHierarchical1719",
    JPEGSpectralSelectionHierarchical2022: "JPEGSpectralSelectionHierarchical2022",
    JPEGSpectralSelectionHierarchical2123: "JPEGSpectralSelectionHierarchical2123",
    JPEGFullProgressionHierarchical2426: "JPEGFullProgressionHierarchical2426",
    JPEGFullProgressionHierarchical2527: "JPEGFullProgressionHierarchical2527",
    JPEGLosslessHierarchical28: "JPEGLosslessHierarchical28",
    JPEGLosslessHierarchical29: "JPEGLosslessHierarchical29",
    JPEGLosslessSV1: "JPEGLosslessSV1",
    JPEGLSLossless: "JPEGLSLossless",
    JPEGLSNearLossless: "JPEGLSNearLossless",
    JPEG2000Lossless: "JPEG2000Lossless",
    JPEG2000: "JPEG2000",
    JPEG2000MCLossless: "JPEG2000MCLossless",
    JPEG2000MC: "JPEG2000MC",
    JPIPReferenced: "JPIPReferenced",
    JPIPReferencedDeflate: "JPIPReferencedDeflate",
    MPEG2MPML: "MPEG2MPML",
    MPEG2MPMLF: "MPEG2MPMLF",
    MPEG2MPHL: "MPEG2MPHL",
    MPEG2MPHLF: "MPEG2MPHLF",
    MPEG4HP41: "MPEG4HP41",
    MPEG4HP41F: "MPEG4HP41F",
    MPEG4HP41BD: "MPEG4HP41BD",
    MPEG4HP41BDF: "MPEG4HP41BDF",
    MPEG4HP422D: "MPEG4HP422D",
    MPEG4HP422DF: "MPEG4HP422DF",
    MPEG4HP423D: "MPEG4HP423D",
    MPEG4HP423DF: "MPEG4HP423DF",
    MPEG4HP42STEREO: "MPEG4HP42STEREO",
    MPEG4HP42STEREOF: "MPEG4HP42STEREOF",
    HEVCMP51: "HEVCMP51",
    HEVCM10P51: "HEVCM10P51",
    JPEGXLLossless: "JPEGXLLossless",
    JPEGXLJPEGRecompression: "JPEGXLJPEGRecompression",
    JPEGXL: "JPEGXL",
    HTJ2KLossless: "HTJ2KLossless",
    HTJ2KLosslessRPCL: "HTJ2KLosslessRPCL",
    HTJ2K: "HTJ2K",
    JPIPHTJ2KReferenced: "JPIPHTJ2KReferenced",
    JPIPHTJ2KReferencedDeflate: "JPIPHTJ2KReferencedDeflate",
    RLELossless: "RLELossless",
    SMPTEST211020UncompressedProgressiveActiveVideo: "SMPTEST211020UncompressedProgressiveActiveVideo",
    SMPTEST211020UncompressedInterlacedActiveVideo: "SMPTEST211020UncompressedInterlacedActiveVideo",
    SMPTEST211030PCMDigitalAudio: "SMPTEST211030PCMDigitalAudio",
    DeflatedImageFrameCompression: "DeflatedImageFrameCompression",
    Papyrus3ImplicitVRLittleEndian: "Papyrus3ImplicitVRLittleEndian",
}
