package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/servertest"
)

// captured is what is read of an answer about media pipelines.
type captured struct {
	MediaCapturePipeline struct {
		ID string `json:"MediaPipelineId"`
	}
	MediaCapturePipelines []struct {
		ID string `json:"MediaPipelineId"`
	}
	NextToken string
}

// capture creates a media pipeline through a node.
func (c *trio) capture(node int, meeting, token string) (id string, status int, answer string) {
	c.Helper()
	body := fmt.Sprintf(`{"SourceType":"ChimeSdkMeeting","SourceArn":"arn:aws:chime::%s:meeting:%s",`+
		`"SinkType":"S3Bucket","SinkArn":"arn:aws:s3:::bucket/of","ClientRequestToken":"%s"}`, servertest.Account, meeting, token)
	for range 240 { // two minutes
		resp := c.signedWith(http.MethodPost, c.nodes[node].Endpoint+"/sdk-media-capture-pipelines", body)
		raw, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			c.Fatal(err)
		}
		if resp.StatusCode == http.StatusServiceUnavailable {
			time.Sleep(500 * time.Millisecond)
			continue
		}
		var a captured
		_ = json.Unmarshal(raw, &a) // an error's body has none
		return a.MediaCapturePipeline.ID, resp.StatusCode, string(raw)
	}
	c.Fatal("no capture can be created")
	return "", 0, ""
}

// pipelines lists all captures through a node, in pages, and returns their ids
// sorted.
func (c *trio) pipelines(node int) (ids []string) {
	c.Helper()
	for token := ""; ; {
		url := c.nodes[node].Endpoint + "/sdk-media-capture-pipelines?max-results=5"
		if token != "" {
			url += "&next-token=" + token
		}
		resp := c.signed(http.MethodGet, url)
		var a captured
		err := json.NewDecoder(resp.Body).Decode(&a)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || len(a.MediaCapturePipelines) > 5 {
			c.Fatalf("listing media pipelines through node %d: %s, %d, %v", node, resp.Status, len(a.MediaCapturePipelines), err)
		}
		for _, p := range a.MediaCapturePipelines {
			ids = append(ids, p.ID)
		}
		if token = a.NextToken; token == "" {
			slices.Sort(ids)
			return ids
		}
	}
}

// recorded has as many meetings recorded as the limit allows, through all nodes,
// and finds that lists, the limit, and tokens are those of the whole cluster.
func (c *trio) recorded(limit int) {
	c.Helper()
	meetings := slices.Sorted(maps.Keys(c.made))
	var made []string
	for i := range limit {
		id, status, answer := c.capture(i%3, meetings[i], fmt.Sprint("record-", i))
		if status != http.StatusCreated {
			c.Fatalf("capture %d: %d %s", i, status, answer)
		}
		made = append(made, id)
	}
	first, all := made[0], slices.Sorted(slices.Values(made))
	for node := range c.nodes {
		if listed := c.pipelines(node); !slices.Equal(listed, all) {
			c.Errorf("node %d lists %v, want %v", node, listed, all)
		}
		for i, of := range []string{meetings[0], meetings[limit], meetings[limit+1]} { // of this meeting, and of others
			if id, status, answer := c.capture(node, of, "record-0"); id != first {
				c.Errorf("a token again, %d, through node %d: %d %s", i, node, status, answer)
			}
		}
		if _, status, answer := c.capture(node, meetings[limit], "one-more"); status != http.StatusBadRequest || !strings.Contains(answer, fmt.Sprint("limit of ", limit)) {
			c.Errorf("one capture too many through node %d: %d %s", node, status, answer)
		}
	}
	gone := c.signed(http.MethodDelete, c.nodes[1].Endpoint+"/sdk-media-capture-pipelines/"+first)
	_ = gone.Body.Close()
	left := slices.DeleteFunc(all, func(id string) bool { return id == first })
	for node := range c.nodes {
		until(c.T, "an ended capture to be gone from the list", func() bool { return slices.Equal(c.pipelines(node), left) })
	}
	if id, status, answer := c.capture(2, meetings[limit], "one-more"); status != http.StatusCreated {
		c.Errorf("in the place of an ended capture: %s %d %s", id, status, answer)
	}
}
