package cases

import (
	"slices"
	"strings"

	"github.com/carillon-meetings/carillon/conform"
)

// startMeetingTranscriptionCases are the behaviours of
// StartMeetingTranscription that the API shows: the outcome of the engine is
// told by events, which are no part of this suite.
func startMeetingTranscriptionCases() []conform.Case {
	return slices.Concat([]conform.Case{
		{Name: "StartMeetingTranscription_AnswersAnEmptyBody", Says: "200 with an empty body", In: inBoth(), Body: startsTranscription},
		{Name: "StartMeetingTranscription_MedicalEngine", Says: "the medical engine is accepted", In: inBoth(), Body: startsMedical},
		{Name: "StartMeetingTranscription_AgainReplaces", Says: "starting again replaces the configuration and succeeds", In: inBoth(), Body: startsAgain},
		{Name: "StartMeetingTranscription_EveryLanguage", Says: "every documented language is accepted", In: inBoth(), Body: startsEveryLanguage},
		{Name: "StartMeetingTranscription_EveryRegion", Says: "every documented engine Region is accepted", In: inBoth(), Body: startsEveryRegion},
		{Name: "StartMeetingTranscription_UnknownMeetingIsNotFound", Says: "an unknown meeting is NotFound", In: inBoth(), Body: func(t *conform.T) { t.API.StartMeetingTranscription(unknownID, english()).Fails(notFound(), unknownID) }},
		{Name: "StartMeetingTranscription_MalformedMeetingIdIsRefused", Says: "a meeting id that is no GUID is BadRequest", In: inBoth(), Body: func(t *conform.T) {
			refusesBadIDs(t, post, func(id string) string { return transcriptionPath(id, "start") }, object{"TranscriptionConfiguration": object{"EngineTranscribeSettings": object{}}}, "meetingId")
		}},
	}, aTranscription().cases(generalProbes()...), aMedicalTranscription().cases(medicalProbes()...))
}

// english returns the plainest configuration.
func english() conform.Transcription {
	return conform.Transcription{General: &conform.GeneralEngine{Language: "en-US"}}
}

// aTranscription is the attempt whose valid body starts the general engine.
func aTranscription() attempt {
	return attempt{operation: "StartMeetingTranscription", method: post, status: 200, prepare: func(t *conform.T) (string, object) {
		return transcriptionPath(t.Meeting().ID, "start"), object{"TranscriptionConfiguration": object{"EngineTranscribeSettings": object{"LanguageCode": "en-US"}}}
	}}
}

// aMedicalTranscription is the attempt whose valid body starts the medical
// engine.
func aMedicalTranscription() attempt {
	return attempt{operation: "StartMeetingTranscription", method: post, status: 200, prepare: func(t *conform.T) (string, object) {
		return transcriptionPath(t.Meeting().ID, "start"), object{"TranscriptionConfiguration": object{"EngineTranscribeMedicalSettings": object{
			"LanguageCode": "en-US", "Specialty": "CARDIOLOGY", "Type": "DICTATION",
		}}}
	}}
}

func generalProbes() []probe {
	const config = "TranscriptionConfiguration"
	engine := func(member string) string { return config + ".EngineTranscribeSettings." + member }
	medical := object{"LanguageCode": "en-US", "Specialty": "UROLOGY", "Type": "DICTATION"}
	return []probe{
		{name: "ConfigurationMissing", change: drop(config), says: "TranscriptionConfiguration is required", words: config},
		{name: "NoEngine", change: set(config, object{}), says: "exactly one engine is to be given", words: anyWords},
		{name: "BothEngines", change: set(config+".EngineTranscribeMedicalSettings", medical), says: "two engines are refused (D-15)", words: anyWords},
		{name: "LanguageMayBeLeftOut", change: drop(engine("LanguageCode")), says: "the engine tells of a missing language by an event, not by a refusal"},
		{name: "LanguageUnknown", change: set(engine("LanguageCode"), "tlh"), says: "languages are an enum", words: "languageCode"},
		{name: "PreferredLanguageUnknown", change: set(engine("PreferredLanguage"), "tlh"), says: "languages are an enum", words: "preferredLanguage"},
		{name: "RegionUnknown", change: set(engine("Region"), "moon-base-1"), says: "engine Regions are an enum", words: "region"},
		{name: "RegionGov", in: inMeetings(), change: set(engine("Region"), "us-gov-west-1"), says: "us-gov-west-1 is an engine Region of the current flavour"},
		{name: "RegionGovInLegacy", in: inLegacy(), change: set(engine("Region"), "us-gov-west-1"), says: "us-gov-west-1 is no engine Region of the legacy flavour", words: "region"},
		{name: "FilterMethod", change: set(engine("VocabularyFilterMethod"), "mask"), says: "mask is a filter method"},
		{name: "FilterMethodUnknown", change: set(engine("VocabularyFilterMethod"), "bleep"), says: "filter methods are an enum", words: "vocabularyFilterMethod"},
		{name: "StabilityUnknown", change: set(engine("PartialResultsStability"), "rock"), says: "stabilities are an enum", words: "partialResultsStability"},
		{name: "IdentificationUnknown", change: set(engine("ContentIdentificationType"), "PHI"), says: "PII is the only identification of the general engine", words: "contentIdentificationType"},
		{name: "RedactionUnknown", change: set(engine("ContentRedactionType"), "ALL"), says: "PII is the only redaction", words: "contentRedactionType"},
		{name: "EntityTypesOfSmallLetters", change: set(engine("PiiEntityTypes"), "name"), says: "entity types are capitals", words: "piiEntityTypes"},
		{name: "EntityTypesTooLong", change: set(engine("PiiEntityTypes"), strings.Repeat("A", 301)), says: "entity types have at most 300 characters", words: "piiEntityTypes"},
		{name: "ModelNameOdd", change: set(engine("LanguageModelName"), "my model"), says: "a model's name has no spaces", words: "languageModelName"},
		{name: "ModelNameTooLong", change: set(engine("LanguageModelName"), letters(201)), says: "a model's name has at most 200 characters", words: "languageModelName"},
		{name: "OptionsOdd", change: set(engine("LanguageOptions"), "en-US;de-DE"), says: "language options are joined by commas", words: "languageOptions"},
		{name: "VocabularyNamesOdd", change: set(engine("VocabularyNames"), "my words"), says: "vocabulary names have no spaces", words: "vocabularyNames"},
		{name: "VocabularyNamesTooLong", change: set(engine("VocabularyNames"), letters(3001)), says: "vocabulary names have at most 3000 characters", words: "vocabularyNames"},
		{name: "FilterNamesEmpty", change: set(engine("VocabularyFilterNames"), ""), says: "filter names have at least one character", words: "vocabularyFilterNames"},
		{name: "VocabularyNameTooLong", change: set(engine("VocabularyName"), letters(4097)), says: "a vocabulary's name has at most 4096 characters", words: "vocabularyName"},
		{name: "StabilizationOfWrongType", change: set(engine("EnablePartialResultsStabilization"), "yes"), says: "a string where a boolean is wanted is refused", words: anyWords},
		{name: "WrongCombinationIsAccepted", change: set(engine("LanguageOptions"), "en-US,de-DE"), says: "valid settings that do not go together fail by an event, not by a refusal"},
		{name: "EverythingElseAccepted", change: set(config, object{"EngineTranscribeSettings": object{
			"IdentifyLanguage": true, "LanguageOptions": "en-US,de-DE", "PreferredLanguage": "de-DE", "EnablePartialResultsStabilization": true,
			"PartialResultsStability": "high", "VocabularyNames": "a-b,c.d_e", "VocabularyFilterNames": "x", "VocabularyFilterMethod": "tag", "Region": "auto",
		}}), says: "a full set of settings is accepted"},
	}
}

func medicalProbes() []probe {
	engine := func(member string) string {
		return "TranscriptionConfiguration.EngineTranscribeMedicalSettings." + member
	}
	return []probe{
		{name: "MedicalLanguageMissing", change: drop(engine("LanguageCode")), says: "the medical engine needs a language", words: "languageCode"},
		{name: "MedicalLanguageOther", change: set(engine("LanguageCode"), "de-DE"), says: "the medical engine knows en-US only", words: "languageCode"},
		{name: "MedicalSpecialtyMissing", change: drop(engine("Specialty")), says: "the medical engine needs a specialty", words: "specialty"},
		{name: "MedicalSpecialtyUnknown", change: set(engine("Specialty"), "DENTISTRY"), says: "specialties are an enum", words: "specialty"},
		{name: "MedicalTypeMissing", change: drop(engine("Type")), says: "the medical engine needs a type", words: "type"},
		{name: "MedicalTypeUnknown", change: set(engine("Type"), "SMALLTALK"), says: "types are an enum", words: "type"},
		{name: "MedicalRegionUnknown", change: set(engine("Region"), "sa-east-1"), says: "the medical engine has Regions of its own", words: "region"},
		{name: "MedicalIdentification", change: set(engine("ContentIdentificationType"), "PHI"), says: "PHI is the identification of the medical engine"},
		{name: "MedicalIdentificationOther", change: set(engine("ContentIdentificationType"), "PII"), says: "PHI is the only identification of the medical engine", words: "contentIdentificationType"},
	}
}

func startsTranscription(t *conform.T) {
	r := t.API.StartMeetingTranscription(t.Meeting().ID, english())
	r.OK()
	t.Equal("bytes of the body", len(r.Body), 0)
}

func startsMedical(t *conform.T) {
	for _, specialty := range []string{"PRIMARYCARE", "CARDIOLOGY", "NEUROLOGY", "ONCOLOGY", "RADIOLOGY", "UROLOGY"} {
		for _, kind := range []string{"CONVERSATION", "DICTATION"} {
			t.API.StartMeetingTranscription(t.Meeting().ID, conform.Transcription{Medical: &conform.MedicalEngine{Language: "en-US", Specialty: specialty, Type: kind}}).OK()
		}
	}
}

func startsAgain(t *conform.T) {
	m := t.Meeting()
	for _, language := range []string{"en-US", "de-DE", "de-DE"} {
		t.API.StartMeetingTranscription(m.ID, conform.Transcription{General: &conform.GeneralEngine{Language: language}}).OK()
	}
}

func startsEveryLanguage(t *conform.T) {
	m := t.Meeting()
	for _, language := range []string{
		"en-US", "en-GB", "es-US", "fr-CA", "fr-FR", "en-AU", "it-IT", "de-DE", "pt-BR", "ja-JP", "ko-KR", "zh-CN", "th-TH", "hi-IN",
	} {
		t.API.StartMeetingTranscription(m.ID, conform.Transcription{General: &conform.GeneralEngine{Language: language}}).OK()
	}
}

func startsEveryRegion(t *conform.T) {
	m := t.Meeting()
	for _, region := range []string{
		"us-east-2", "us-east-1", "us-west-2", "ap-northeast-2", "ap-southeast-2", "ap-northeast-1", "ca-central-1",
		"eu-central-1", "eu-west-1", "eu-west-2", "sa-east-1", "auto",
	} {
		t.API.StartMeetingTranscription(m.ID, conform.Transcription{General: &conform.GeneralEngine{Language: "en-US", Region: region}}).OK()
	}
}
