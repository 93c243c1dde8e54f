// Shows the OpenAPI document in Swagger UI, light or dark as the system is. A key that is typed in stays in this page.
"use strict";

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const show = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", show);
show();

// Swagger UI would send the example of every parameter. Those that may be left out are left out.
function withoutOptionalExamples(api) {
  const operations = Object.values(api.paths).flatMap(Object.values);
  const own = operations.flatMap((operation) => operation.parameters);
  for (const parameter of [...own, ...Object.values(api.components.parameters)]) {
    if (!parameter.required) delete parameter.example;
  }
  return api;
}

async function start() {
  const answer = await fetch("/api/openapi.json");
  SwaggerUIBundle({
    spec: withoutOptionalExamples(await answer.json()),
    dom_id: "#api",
    deepLinking: true,
    docExpansion: "none", // with all operations shown, a slow machine takes a minute
    defaultModelsExpandDepth: -1,
    displayRequestDuration: true,
    filter: true,
    persistAuthorization: false,
    requestSnippetsEnabled: true,
    tryItOutEnabled: true,
    validatorUrl: null,
  });
}

start();
