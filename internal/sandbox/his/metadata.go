package his

import (
	"net/http"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// metadata answers with the CapabilityStatement: what this HIS can do, no more.
func (s *Server) metadata(w http.ResponseWriter, r *http.Request) {
	yes, url := true, base(r)
	documentation := "Bearer token of the hospital in the Authorization header; this statement needs none."
	writeResource(w, http.StatusOK, fhir.CapabilityStatement{
		Status: fhir.PublicationStatusActive, Date: s.store.now().UTC().Format("2006-01-02"),
		Kind: fhir.CapabilityStatementKindInstance, FhirVersion: fhir.FHIRVersion4_0_1,
		Software:       &fhir.CapabilityStatementSoftware{Name: "regpay sandbox HIS"},
		Implementation: &fhir.CapabilityStatementImplementation{Description: "Hospital information system of the sandbox", Url: &url},
		Format:         []string{fhirMediaType}, PatchFormat: []string{patchMediaType},
		Rest: []fhir.CapabilityStatementRest{{
			Mode:     fhir.RestfulCapabilityModeServer,
			Security: &fhir.CapabilityStatementRestSecurity{Description: &documentation},
			Resource: []fhir.CapabilityStatementRestResource{
				capability(fhir.ResourceTypeAppointment, &yes), capability(fhir.ResourceTypePaymentNotice, &yes),
			},
		}},
	})
}

func capability(resource fhir.ResourceType, conditionalCreate *bool) fhir.CapabilityStatementRestResource {
	interactions := []fhir.TypeRestfulInteraction{
		fhir.TypeRestfulInteractionRead, fhir.TypeRestfulInteractionUpdate, fhir.TypeRestfulInteractionPatch,
		fhir.TypeRestfulInteractionCreate, fhir.TypeRestfulInteractionSearchType,
	}
	versioning := fhir.ResourceVersionPolicyVersioned
	c := fhir.CapabilityStatementRestResource{
		Type: resource, ConditionalCreate: conditionalCreate, Versioning: &versioning,
		SearchParam: []fhir.CapabilityStatementRestResourceSearchParam{{Name: "identifier", Type: fhir.SearchParamTypeToken}},
	}
	for _, code := range interactions {
		c.Interaction = append(c.Interaction, fhir.CapabilityStatementRestResourceInteraction{Code: code})
	}
	return c
}
