/** What the lines of a batch may ask for: endpoint → the field its request cannot do without, and how messages name it. */
export const ENDPOINTS: Readonly<Record<string, { name: string; needs: string }>> = {
  "/v1/chat/completions": { name: "Chat Completions", needs: "messages" },
  "/v1/responses": { name: "Responses", needs: "input" },
  "/v1/embeddings": { name: "Embeddings", needs: "input" },
  "/v1/completions": { name: "Completions", needs: "prompt" },
  "/v1/moderations": { name: "Moderations", needs: "input" },
};
